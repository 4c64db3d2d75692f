import type { Json } from '../realtime';

/** A JSON value as people read it: a flat object as name and value pairs, the rest as JSON. */
export function JsonText({ value }: { value: Json }) {
  if (typeof value === 'string') return <>{value}</>;
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && isFlat(Object.values(value))) {
    return (
      <span className="pairs">
        {Object.entries(value).map(([name, v]) => (
          <span className="pair" key={name}><span>{name}</span> <b>{typeof v === 'string' ? v : JSON.stringify(v)}</b></span>
        ))}
      </span>
    );
  }
  return <code className="json">{JSON.stringify(value)}</code>;
}

const isFlat = (values: Json[]) => values.length > 0 && values.length <= 8 && values.every((v) => typeof v !== 'object' || v === null);
