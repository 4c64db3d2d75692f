import { createTheme, type MantineColorsTuple } from '@mantine/core';

const iris: MantineColorsTuple = [
  '#f0f0ff', '#dddefb', '#b9baf3', '#9394ec', '#7475e6', '#6061e2', '#5657e1', '#4748c8', '#3e3fb3', '#33359e',
];

// Mantine's greys for the dark scheme, with the page's blue in them. Index 0 is text, 7 the page.
const dark: MantineColorsTuple = [
  '#ecedf3', '#c5c6d4', '#a3a5b8', '#6e7088', '#45475a', '#363748', '#282935', '#1d1e26', '#17181f', '#121319',
];

export const theme = createTheme({
  primaryColor: 'iris',
  primaryShade: { light: 6, dark: 5 },
  colors: { iris, dark },
  defaultRadius: 'md',
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif',
  fontFamilyMonospace: 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace',
  cursorType: 'pointer',
});
