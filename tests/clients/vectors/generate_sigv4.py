#!/usr/bin/env python3
"""Writes sigv4.json: requests with the canonical form and the Authorization that botocore makes.

Run it by hand after adding a case: python3 generate_sigv4.py > sigv4.json
The test reads only the file, so a build needs no Python.
"""
import datetime
import json
import sys
from urllib.parse import urlsplit

import botocore.auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

NOW = datetime.datetime(2026, 11, 21, 22, 6, 19, tzinfo=datetime.timezone.utc)
KEY = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "IQoJb3JpZ2luX2VjEXAMPLE/+token=="

JSON = [("Content-Type", "application/x-amz-json-1.1")]
FORM = [("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")]
SECRETS = "https://secretsmanager.eu-west-1.amazonaws.com/"
S3 = "https://bucket.s3.eu-west-1.amazonaws.com"

# name, service, method, url, headers, body, with a session token
CASES = [
    ("get value", "secretsmanager", "POST", SECRETS,
     JSON + [("X-Amz-Target", "secretsmanager.GetSecretValue")], '{"SecretId":"app"}', False),
    ("session token", "secretsmanager", "POST", SECRETS,
     JSON + [("X-Amz-Target", "secretsmanager.PutSecretValue")],
     '{"SecretId":"app","SecretString":"{\\"password\\":\\"x\\"}"}', True),
    ("unicode body", "secretsmanager", "POST", SECRETS, JSON, '{"SecretString":"pässwörd ☃"}', True),
    ("empty body", "sts", "POST", "https://sts.eu-west-1.amazonaws.com/", FORM, "", False),
    ("form body", "sts", "POST", "https://sts.eu-west-1.amazonaws.com/", FORM,
     "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr", True),
    ("port in host", "secretsmanager", "POST", "http://127.0.0.1:5055/", JSON, "{}", False),
    ("no path", "secretsmanager", "POST", "https://vpce.example.com", JSON, "{}", False),
    ("base path", "secretsmanager", "POST", "https://gateway.example.com/aws/sm/", JSON, "{}", True),
    ("encoded path is encoded again", "execute-api", "GET",
     "https://api.example.com/a%20b/c:d/%C3%A9/~x", [], "", False),
    ("odd white space", "execute-api", "GET", "https://api.example.com/",
     [("X-Amz-Meta-Spaces", "  a   b\t c  "), ("x-amz-EMPTY", "")], "", False),
    ("names that begin alike", "execute-api", "GET", "https://api.example.com/",
     [("x-amz-meta-1", "one"), ("x-amz-meta", "none"), ("X-Amz-Meta-10", "ten"),
      ("x-amz-meta.a", "dot"), ("x-amz-meta_a", "line")], "", False),
    ("a name twice", "execute-api", "GET", "https://api.example.com/",
     [("X-Amz-Twice", "b"), ("X-Other", "o"), ("x-amz-twice", "a")], "", False),
    ("query out of order", "execute-api", "GET",
     "https://api.example.com/?b=2&a=2&a=1&A=0&a1=x&a-=y", [], "", False),
    ("query odd", "execute-api", "GET",
     "https://api.example.com/?versioning&e=&eq=a%3Db%2Fc&u=%C3%A9&s=%20&t=~-_.", [], "", False),
    ("query name before longer one", "execute-api", "GET",
     "https://api.example.com/?ab=1&a=z&abc=0", [], "", True),
    ("s3 path once", "s3", "PUT", S3 + "/dt%3D2026/a%20b%2Bc%3Ad.json", [], "{}", False),
    ("s3 kms key id", "s3", "PUT", S3 + "/audit/1.json",
     [("x-amz-server-side-encryption", "aws:kms"),
      ("x-amz-server-side-encryption-aws-kms-key-id", "arn:aws:kms:eu-west-1:1:key/k"),
      ("x-amz-server-side-encryption-bucket-key-enabled", "true"),
      ("If-None-Match", "*")], '{"a":1}', True),
]


def vector(name: str, service: str, method: str, url: str, headers: list, body: str,
           session: bool) -> dict:
    request = AWSRequest(method=method, url=url, data=body.encode())
    request.headers["Host"] = urlsplit(url).netloc
    for header, value in headers:
        request.headers.add_header(header, value)
    credentials = Credentials(KEY, SECRET, TOKEN if session else None)
    signer = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
    auth = signer(credentials, service, "eu-west-1")
    auth.add_auth(request)
    authorization = request.headers["Authorization"]
    del request.headers["Authorization"]
    parts = urlsplit(url)
    return {
        "name": name, "service": service, "region": "eu-west-1",
        "access_key_id": KEY, "secret_access_key": SECRET, "date": request.headers["X-Amz-Date"],
        "method": method, "path": parts.path, "query": parts.query,
        "headers": [list(pair) for pair in request.headers.items()], "body": body,
        "path_is_canonical": service == "s3",
        "canonical": auth.canonical_request(request), "authorization": authorization,
    }


botocore.auth.get_current_datetime = lambda *_: NOW
json.dump([vector(*case) for case in CASES], sys.stdout, indent=1)
print()
