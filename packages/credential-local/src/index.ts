export const x: string = 'local';
