// The pieces that pages are made of.
export * from './ui/dialogs';
export * from './ui/forms';
export * from './ui/lists';
export * from './ui/marks';
export * from './ui/page';
export * from './ui/texts';
