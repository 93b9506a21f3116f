import {render} from 'preact';
import {App} from './app';

const kPatience = 150; // ms

// What begin.ts asked for mostly comes together. The page is then drawn once, and not first without its data.
const answers = Promise.allSettled(globalThis.begun?.values() ?? []);
const root = document.getElementById('app');
if (root) void Promise.race([answers, new Promise((resolve) => setTimeout(resolve, kPatience))]).then(() => render(<App />, root));
