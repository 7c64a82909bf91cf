export const x: string = 'testkit';
