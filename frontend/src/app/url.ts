// Which server the page talks to, decided at run time so that one build serves every deployment.

const storageKey = 'disclone.url';

/** One output of the stack, as `sam list stack-outputs --output json` prints it. */
interface StackOutput {
  OutputKey?: unknown;
  OutputValue?: unknown;
}

/** Finds the WebSocket URL among a stack's outputs: the output WebSocketURL, else the first that is a ws or wss URL. */
export function urlFromOutputs(outputs: unknown): string | undefined {
  if (!Array.isArray(outputs)) return undefined;
  const urls = (outputs as StackOutput[]).filter(
    (o): o is { OutputKey: string; OutputValue: string } =>
      typeof o.OutputKey === 'string' && typeof o.OutputValue === 'string' && /^wss?:\/\//.test(o.OutputValue),
  );
  return (urls.find((o) => o.OutputKey.toLowerCase() === 'websocketurl') ?? urls[0])?.OutputValue;
}

/** Gives the URL: ?url= in the address, then what the user saved, then outputs.json beside the page, else undefined. */
export async function findUrl(): Promise<string | undefined> {
  const fromQuery = new URLSearchParams(location.search).get('url');
  if (fromQuery) return fromQuery;
  const saved = savedUrl();
  if (saved) return saved;
  return deployedUrl();
}

/** Reads outputs.json. It gives undefined if there is none. */
export async function deployedUrl(): Promise<string | undefined> {
  try {
    const response = await fetch('./outputs.json', { cache: 'no-cache' });
    return response.ok ? urlFromOutputs(await response.json()) : undefined;
  } catch {
    return undefined;
  }
}

export const savedUrl = () => localStorage.getItem(storageKey) ?? undefined;

/** Saves the user's choice; undefined forgets it, and outputs.json counts again. */
export function saveUrl(url: string | undefined): void {
  if (url === undefined) localStorage.removeItem(storageKey);
  else localStorage.setItem(storageKey, url);
}
