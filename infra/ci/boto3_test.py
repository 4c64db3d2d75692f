"""The runtime's endpoints through boto3, with the echo template of infra/bench: GATEWAY and ENDPOINT name the runtime."""
import base64, json, os, socket, struct, unittest, urllib.parse, urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

gateway, endpoint = os.environ["GATEWAY"], os.environ["ENDPOINT"]  # ws://host:port/stage, http://host:port
stage_url = "http" + gateway[2:]
keys = dict(region_name="us-east-1", aws_access_key_id="local", aws_secret_access_key="local", config=Config(retries={"total_max_attempts": 1}))


class Socket:
    """A WebSocket client of a few lines: what is under test here is the other side's API."""

    def __init__(self):
        url = urllib.parse.urlparse(gateway)
        self.conn = socket.create_connection((url.hostname, url.port), timeout=10)
        key = base64.b64encode(os.urandom(16)).decode()
        self.conn.sendall((f"GET {url.path} HTTP/1.1\r\nHost: {url.netloc}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                           f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n").encode())
        self.file = self.conn.makefile("rb")
        assert b"101" in self.file.readline()
        while self.file.readline() != b"\r\n":
            pass

    def send(self, text):
        data = text.encode()
        assert len(data) < 126
        self.conn.sendall(bytes([0x81, 0x80 | len(data), 0, 0, 0, 0]) + data)

    def frame(self):
        first, length = self.file.read(2)
        if length == 126:
            length = struct.unpack(">H", self.file.read(2))[0]
        return first, self.file.read(length)

    def message(self):
        whole = b""
        while True:
            first, data = self.frame()
            whole += data
            if first & 0x80:
                return whole


class Connections(unittest.TestCase):
    """D1 to D9 of @connections."""

    def setUp(self):
        self.client = boto3.client("apigatewaymanagementapi", endpoint_url=stage_url, **keys)
        self.socket = Socket()
        self.addCleanup(self.socket.conn.close)
        self.addCleanup(self.socket.file.close)
        self.socket.send("{}")  # the function answers with the event's own text; the id comes from an error frame below
        self.assertEqual(self.socket.message(), b"{}")
        listed = json.load(urllib.request.urlopen(endpoint + "/_console/api/state"))["connections"]
        self.id = max(listed, key=lambda c: c["connectedAt"])["id"]

    def fails(self, code, status, call, **arguments):
        with self.assertRaises(ClientError) as raised:
            call(**arguments)
        self.assertEqual(raised.exception.response["Error"]["Code"], code)
        self.assertEqual(raised.exception.response["ResponseMetadata"]["HTTPStatusCode"], status)
        return raised.exception

    def test_post(self):
        self.assertRegex(self.id, r"^[A-Za-z0-9_-]{15}=$")
        for data in (b"hello", b"x" * 128 * 1024):
            self.client.post_to_connection(ConnectionId=self.id, Data=data)
            self.assertEqual(self.socket.message(), data)
        self.fails("PayloadTooLargeException", 413, self.client.post_to_connection, ConnectionId=self.id, Data=b"x" * (128 * 1024 + 1))

    def test_get(self):
        found = self.client.get_connection(ConnectionId=self.id)
        self.assertEqual(found["Identity"]["SourceIp"], "127.0.0.1")
        self.assertLessEqual(found["ConnectedAt"], found["LastActiveAt"])

    def test_delete(self):
        self.client.delete_connection(ConnectionId=self.id)
        first, data = self.socket.frame()
        self.assertEqual((first, data[:2]), (0x88, struct.pack(">H", 1000)))
        for call in (self.client.get_connection, self.client.delete_connection):
            self.fails("GoneException", 410, call, ConnectionId=self.id)
        gone = self.fails("GoneException", 410, self.client.post_to_connection, ConnectionId=self.id, Data=b"x")
        self.assertIsInstance(gone, self.client.exceptions.GoneException)

    def test_errors(self):
        self.fails("GoneException", 410, self.client.post_to_connection, ConnectionId="AAAAAAAAAAAAAAA=", Data=b"x")
        self.fails("BadRequestException", 400, self.client.post_to_connection, ConnectionId="a b", Data=b"x")
        other = boto3.client("apigatewaymanagementapi", endpoint_url=stage_url + "x", **keys)
        self.fails("ForbiddenException", 403, other.post_to_connection, ConnectionId=self.id, Data=b"x")


class Services(unittest.TestCase):
    """The other endpoints take boto3's requests too."""

    def test_lambda(self):
        client = boto3.client("lambda", endpoint_url=endpoint, **keys)
        out = client.invoke(FunctionName="EchoFunction", Payload=json.dumps({"body": "hi"}), LogType="Tail")
        self.assertEqual((out["StatusCode"], json.load(out["Payload"])["body"]), (200, "hi"))
        self.assertIn("LogResult", out)
        self.assertEqual(client.invoke(FunctionName="EchoFunction", InvocationType="Event", Payload=b"{}")["StatusCode"], 202)
        self.assertEqual(client.invoke(FunctionName="EchoFunction", InvocationType="DryRun")["StatusCode"], 204)
        with self.assertRaises(client.exceptions.ResourceNotFoundException):
            client.invoke(FunctionName="Nobody")

    def test_dynamodb(self):
        table = boto3.resource("dynamodb", endpoint_url=endpoint, **keys).create_table(
            TableName="things", BillingMode="PAY_PER_REQUEST", AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}])
        table.wait_until_exists()
        table.put_item(Item={"id": "a", "n": 1})
        table.update_item(Key={"id": "a"}, UpdateExpression="ADD n :one", ExpressionAttributeValues={":one": 1})
        self.assertEqual(table.get_item(Key={"id": "a"})["Item"], {"id": "a", "n": 2})

    def test_sqs(self):
        client = boto3.client("sqs", endpoint_url=endpoint, **keys)
        queue = client.create_queue(QueueName="q")["QueueUrl"]
        client.send_message(QueueUrl=queue, MessageBody="hello", MessageAttributes={"a": {"DataType": "String", "StringValue": "b"}})
        [message] = client.receive_message(QueueUrl=queue, WaitTimeSeconds=5, MessageAttributeNames=["All"])["Messages"]
        self.assertEqual((message["Body"], message["MessageAttributes"]["a"]["StringValue"]), ("hello", "b"))
        client.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])


if __name__ == "__main__":
    unittest.main()
