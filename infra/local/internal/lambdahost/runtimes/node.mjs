// The Lambda Runtime API loop of nodejs* functions. It runs as `node --input-type=module --eval`.
import { existsSync } from 'node:fs';
import http from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const env = process.env;
const [hostname, port] = env.AWS_LAMBDA_RUNTIME_API.split(':');
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

// call speaks to the Runtime API. It has no timeout: GET next waits for as long as there is nothing to do.
function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const request = http.request(
      { hostname, port, agent, method, path: `/2018-06-01/runtime/${path}`, headers: { 'Content-Type': 'application/json' } },
      (response) => {
        const parts = [];
        response.on('data', (part) => parts.push(part));
        response.on('end', () => resolve({ headers: response.headers, text: Buffer.concat(parts).toString() }));
        response.on('error', reject);
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

function describe(error, type) {
  if (error instanceof Error) {
    return JSON.stringify({ errorType: type ?? error.name, errorMessage: error.message, trace: (error.stack ?? '').split('\n') });
  }
  return JSON.stringify({ errorType: type ?? typeof error, errorMessage: String(error), trace: [] });
}

async function load() {
  const dot = env._HANDLER.indexOf('.', env._HANDLER.lastIndexOf('/') + 1);
  const [module, names] = [env._HANDLER.slice(0, dot), env._HANDLER.slice(dot + 1).split('.')];
  if (dot < 0) throw Object.assign(new Error('Bad handler'), { name: 'Runtime.MalformedHandlerName' });
  const file = ['.mjs', '.js', '.cjs', ''].map((end) => join(env.LAMBDA_TASK_ROOT, module + end)).find((name) => existsSync(name));
  if (!file) throw Object.assign(new Error(`Error: Cannot find module '${module}'`), { name: 'Runtime.ImportModuleError' });
  let loaded;
  try {
    loaded = await import(pathToFileURL(file));
  } catch (error) {
    const name = error instanceof SyntaxError ? 'Runtime.UserCodeSyntaxError' : error?.code?.includes('MODULE_NOT_FOUND') ? 'Runtime.ImportModuleError' : error?.name;
    throw Object.assign(new Error(String(error?.stack ?? error)), { name });
  }
  for (const root of [loaded, loaded.default]) {
    const handler = names.reduce((at, name) => at?.[name], root);
    if (typeof handler === 'function') return handler;
  }
  throw Object.assign(new Error(`${env._HANDLER} is undefined or not exported`), { name: 'Runtime.HandlerNotFound' });
}

function run(handler, event, context) {
  return new Promise((resolve, reject) => {
    const callback = (error, value) => (error ? reject(error) : resolve(value));
    Object.assign(context, { done: callback, succeed: resolve, fail: reject });
    const value = handler(event, context, callback);
    if (typeof value?.then === 'function') value.then(resolve, reject);
    else if (value !== undefined || handler.length < 3) resolve(value);
  });
}

let current = null;
function die(error, type) {
  console.error(type, error);
  const path = current ? `invocation/${current}/error` : 'init/error';
  call('POST', path, describe(error, type)).finally(() => process.exit(128 + 1));
}
process.on('uncaughtException', (error) => die(error, error?.name));
process.on('unhandledRejection', (error) => die(error, 'Runtime.UnhandledPromiseRejection'));

let handler;
try {
  handler = await load();
} catch (error) {
  console.error(error);
  await call('POST', 'init/error', describe(error));
  process.exit(1);
}
for (;;) {
  const { headers, text } = await call('GET', 'invocation/next');
  current = headers['lambda-runtime-aws-request-id'];
  const deadline = Number(headers['lambda-runtime-deadline-ms']);
  env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id'] ?? '';
  const context = {
    callbackWaitsForEmptyEventLoop: true,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    awsRequestId: current,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
  };
  let outcome;
  try {
    const value = await run(handler, JSON.parse(text), context);
    outcome = ['response', JSON.stringify(value) ?? 'null'];
  } catch (error) {
    console.error('Invoke Error', error);
    outcome = ['error', describe(error)];
  }
  await call('POST', `invocation/${current}/${outcome[0]}`, outcome[1]);
}
