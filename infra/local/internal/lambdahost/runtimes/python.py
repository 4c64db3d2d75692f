# The Lambda Runtime API loop of python* functions. It runs as `python3 -c`.
import http.client, importlib, json, logging, os, sys, time, traceback

env = os.environ
root = env["LAMBDA_TASK_ROOT"]
sys.path[0:1] = [root]
sys.path.append(os.path.join(os.path.dirname(root), ".python"))
connection = http.client.HTTPConnection(env["AWS_LAMBDA_RUNTIME_API"])


def call(method, path, body=None):
    connection.request(method, "/2018-06-01/runtime/" + path, body, {"Content-Type": "application/json"})
    response = connection.getresponse()
    return response, response.read()


def describe(error, kind=None):
    frames = traceback.format_list(traceback.extract_tb(error.__traceback__))
    return json.dumps({"errorMessage": str(error), "errorType": kind or type(error).__name__, "stackTrace": frames})


class Context:
    def __init__(self, headers):
        self.aws_request_id = headers["Lambda-Runtime-Aws-Request-Id"]
        self.invoked_function_arn = headers["Lambda-Runtime-Invoked-Function-Arn"]
        self.function_name = env["AWS_LAMBDA_FUNCTION_NAME"]
        self.function_version = env["AWS_LAMBDA_FUNCTION_VERSION"]
        self.memory_limit_in_mb = env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]
        self.log_group_name = env["AWS_LAMBDA_LOG_GROUP_NAME"]
        self.log_stream_name = env["AWS_LAMBDA_LOG_STREAM_NAME"]
        self.client_context = self.identity = None
        self._deadline = int(headers["Lambda-Runtime-Deadline-Ms"])

    def get_remaining_time_in_millis(self):
        return max(0, self._deadline - int(time.time() * 1000))


class Lines(logging.Handler):
    def emit(self, record):
        print(self.format(record), flush=True)


def load():
    name, _, function = env["_HANDLER"].rpartition(".")
    if not name:
        raise type("Runtime.MalformedHandlerName", (Exception,), {})("Bad handler '%s'" % env["_HANDLER"])
    try:
        module = importlib.import_module(name.replace("/", "."))
    except ImportError as error:
        raise type("Runtime.ImportModuleError", (Exception,), {})("Unable to import module '%s': %s" % (name, error)) from error
    try:
        return getattr(module, function)
    except AttributeError:
        raise type("Runtime.HandlerNotFound", (Exception,), {})("Handler '%s' missing on module '%s'" % (function, name)) from None


lines = Lines()
lines.setFormatter(logging.Formatter("[%(levelname)s]\t%(asctime)s\t%(message)s"))
logging.getLogger().addHandler(lines)
try:
    handler = load()
except BaseException as error:
    traceback.print_exc()
    call("POST", "init/error", describe(error))
    sys.exit(1)
while True:
    response, event = call("GET", "invocation/next")
    context = Context(response.headers)
    env["_X_AMZN_TRACE_ID"] = response.headers.get("Lambda-Runtime-Trace-Id", "")
    what, body = "response", None
    try:
        result = handler(json.loads(event), context)
        try:
            body = json.dumps(result)
        except (TypeError, ValueError) as error:
            what, body = "error", describe(error, "Runtime.MarshalError")
    except Exception as error:
        traceback.print_exc()
        what, body = "error", describe(error)
    sys.stdout.flush()
    sys.stderr.flush()
    call("POST", "invocation/%s/%s" % (context.aws_request_id, what), body.encode())
