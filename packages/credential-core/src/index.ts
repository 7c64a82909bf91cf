export const x: string = 'core';
