const palette = ['#5b5bd6', '#0d74ce', '#0c7792', '#218358', '#946800', '#c2410c', '#c2298a', '#8145b5'];

/** A person's colour, always the same for a name. Each has at least 4.5:1 against white. */
function colourOf(name: string): string {
  let sum = 0;
  for (const char of name) sum = (sum * 31 + (char.codePointAt(0) ?? 0)) % 65_521;
  return palette[sum % palette.length] ?? '#5b5bd6';
}

/** Initials on a person's colour. The name stands beside it, so screen readers skip it. */
export function Face({ name, size = 38 }: { name: string; size?: number }) {
  const words = name.trim().split(/\s+/);
  const initials = words.length > 1 ? `${first(words[0])}${first(words.at(-1))}` : first(words[0]);
  return (
    <span className="face" style={{ background: colourOf(name), width: size, height: size, fontSize: size * 0.38 }} aria-hidden>
      {initials || '?'}
    </span>
  );
}

const first = (word = '') => (Array.from(word)[0] ?? '').toUpperCase();
