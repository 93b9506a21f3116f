// The first script of the page: asks for what the page will show while the other scripts are on their way. api.ts takes
// the answers.
export interface Answer {
  ok: boolean;
  status: number;
  retryAfter: string | null;
  text: string;
}
declare global {
  var begun: Map<string, Promise<Answer>> | undefined;
}

// As far as this browser knows; store.ts keeps it.
function signedIn(): boolean {
  try {
    return localStorage.getItem('signed-in') === 'yes';
  } catch {
    return false;
  }
}

function paths(): string[] {
  const path = location.pathname.slice('/panel'.length);
  const cdn = /^\?cdn=\d+$/.test(location.search) ? location.search.slice(1) : '';
  if (path === '/setup') return [];
  const all = ['/session'];
  if (!signedIn()) return all;
  if (path === '/') all.push(cdn ? `/overview?${cdn}` : '/overview');
  if (path === '/uploads' && (cdn || !location.search)) all.push(`/uploads?${cdn && cdn + '&'}limit=100`);
  if (/^\/uploads\/\d+$/.test(path)) all.push(path);
  return all;
}

globalThis.begun = new Map(
  paths().map((path) => {
    // With the whole text: what waits for it later is then drawn at once, and not after an empty page.
    const asked = fetch('/api/v1' + path, {headers: {Accept: 'application/json'}, credentials: 'same-origin'}).then(async (response) => ({
      ok: response.ok,
      status: response.status,
      retryAfter: response.headers.get('Retry-After'),
      text: await response.text(),
    }));
    asked.catch(() => undefined); // it is asked again
    return ['/api/v1' + path, asked];
  }),
);
