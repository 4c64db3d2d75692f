export * from './client';
export * from './frames';
