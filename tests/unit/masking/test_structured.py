"""Secrets that have no form, told by where they stand: in texts, and in the members of events."""

from __future__ import annotations

import json
from typing import Any

import pytest

from glasshatch.events import Event, Source
from glasshatch.masking import Redactor, Tokens
from glasshatch.masking.eventfields import EVENT_HINTS

TEXTS = [
    (
        "GET / HTTP/1.1\r\nAuthorization: Basic YWxhZGRpbjpvcGVuc2VzYW1l\r\nHost: x",
        "YWxhZGRpbjpvcGVuc2VzYW1l",
    ),
    (
        'Authorization: Digest username="m", response="6629fae49393a05397450978507c4ef1"',
        "6629fae49393a05397450978507c4ef1",
    ),
    ("Authorization: Token 9944b09199c62bcf9418", "9944b09199c62bcf9418"),
    ("Authorization: ApiKey zXcVbN", "zXcVbN"),
    ("Cookie: sid=31d4d96e407aad42; theme=dark", "31d4d96e407aad42"),
    ("Set-Cookie: JSESSIONID=A1B2C3D4; Path=/; HttpOnly", "A1B2C3D4"),
    (
        "X-Api-Key: 6CBxzdYcEgNDrRhMbDpkBF7e4d4Kib46dwL9ZE5egiL0iL5Y3dzREUBSUYVUwUkN",
        "6CBxzdYcEgNDrRhMbDpkBF7e4d4Kib46dwL9ZE5egiL0iL5Y3dzREUBSUYVUwUkN",
    ),
    ("X-Auth-Token: abc123xyz", "abc123xyz"),
    ("Proxy-Authorization: Basic dXNlcjpw", "dXNlcjpw"),
    ("curl -H 'X-Api-Key: sEcr3tK3y' https://x", "sEcr3tK3y"),
    ("https://alice:s3cr3t@db.example.com/x", "s3cr3t"),
    ("GET /login?user=bob&password=hunter2&x=1", "hunter2"),
    ("/cb?code=4/0AX4XfWh&state=xyz&access_token=ya29abc", "ya29abc"),
    ("https://x/?api_key=shortkey&y=2", "shortkey"),
    (
        "https://b.s3.amazonaws.com/k?X-Amz-Signature=fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024&X-Amz-Date=1",
        "fe5f80f77d5fa3beca038a248ff027d0445342fe2855ddc963176630326f1024",
    ),
    ("https://acc.blob.core.windows.net/c/b?sv=2020&sig=Zm9vYmFyYmF6%3D&se=1", "Zm9vYmFyYmF6"),
    ("postgres://app:p4ss@db:5432/x?sslmode=require", "p4ss"),
    ("host=db port=5432 dbname=x user=app password=p4ss sslmode=require", "p4ss"),
    ("host=db user=app password='p4 s s' dbname=x", "p4 s s"),
    ("jdbc:postgresql://db/x?user=app&password=p4ss", "p4ss"),
    ("jdbc:oracle:thin:scott/tiger@//db:1521/x", "tiger"),
    ("jdbc:sqlserver://db;user=sa;password=p4ss;encrypt=true", "p4ss"),
    ("Driver={ODBC Driver 17};Server=db;Uid=sa;Pwd=p4ss;", "p4ss"),
    ("Server=db;User Id=sa;Password={p;4ss};", "p;4ss"),
    ("amqp://guest:guest12@mq:5672/v", "guest12"),
    ("mongodb+srv://u:p4ss@c.mongodb.net/x", "p4ss"),
    ("redis://:p4ss@cache:6379/0", "p4ss"),
    ("rediss://default:p4ss@cache:6379", "p4ss"),
    (
        "DefaultEndpointsProtocol=https;AccountName=a;AccountKey=Zm9vYmFyYmF6cXV4;EndpointSuffix=core",
        "Zm9vYmFyYmF6cXV4",
    ),
    ("Endpoint=sb://x/;SharedAccessKeyName=Root;SharedAccessKey=c2VjcmV0a2V5", "c2VjcmV0a2V5"),
    ("mysql -u root -pS3cret -h db", "S3cret"),
    ("mysqldump --password=S3cret db", "S3cret"),
    ("mysql --password S3cret db", "S3cret"),
    ("PGPASSWORD=p4ss psql -h db", "p4ss"),
    ("PGPASSWORD='p4 ss' psql -h db", "p4 ss"),
    ("export MYSQL_PWD=p4ss; mysql", "p4ss"),
    ("curl -u alice:s3cr3t https://x", "s3cr3t"),
    ("curl -ualice:s3cr3t https://x", "s3cr3t"),
    ("curl --user alice:s3cr3t https://x", "s3cr3t"),
    ("curl --proxy-user alice:s3cr3t https://x", "s3cr3t"),
    ("wget --http-password=s3cr3t https://x", "s3cr3t"),
    ("sshpass -p s3cr3t ssh root@x", "s3cr3t"),
    ("redis-cli -a s3cr3t -h x", "s3cr3t"),
    ("docker login -u a -p s3cr3t reg", "s3cr3t"),
    ("ldapsearch -D cn=x -w s3cr3t -b y", "s3cr3t"),
    ("openssl enc -pass pass:s3cr3t -in x", "s3cr3t"),
    ("vault login -method=userpass password=s3cr3t", "s3cr3t"),
    ("sqlcmd -S db -U sa -P s3cr3t", "s3cr3t"),
    ("smbclient -U 'bob%s3cr3t' //x/y", "s3cr3t"),
    ("mongo -u a -p s3cr3t --host x", "s3cr3t"),
    ("mongosh --username a --password s3cr3t", "s3cr3t"),
    ("net user bob s3cr3t /add", "s3cr3t"),
    ("echo 'root:s3cr3t' | chpasswd", "s3cr3t"),
    ("aws configure set aws_secret_access_key s3cr3tk3y", "s3cr3tk3y"),
    ("kubectl create secret generic x --from-literal=password=s3cr3t", "s3cr3t"),
    ("kubectl create secret generic x --from-literal=dbkey=s3cr3t", "s3cr3t"),
    ("htpasswd -b f bob s3cr3t", "s3cr3t"),
    ("zip -P s3cr3t a.zip b", "s3cr3t"),
    ("rclone --password-command x", ""),
    ("psql -p 5432 -h db", ""),
    ("ssh -p 2222 host", ""),
    ("docker run -p 8080:80 x", ""),
    ("mkdir -p /var/lib/x", ""),
    ("Password: hunter2\r\n", "hunter2"),
    ("[sudo] password for bob: hunter2\n$ ", "hunter2"),
    ("bob@host's password: hunter2\n", "hunter2"),
    ("Enter passphrase for key '/x/id': my pass phrase\n", "my pass phrase"),
    ("Enter PIN: 4821\n", "4821"),
    ("Verification code: 482113\n", "482113"),
    ("New password: a1\nRetype new password: a1\n", "a1"),
    ("DB_PASSWORD=p4ss\nDEBUG=true", "p4ss"),
    ("SECRET_KEY_BASE: abc\n", "abc"),
    ("db:\n  password: p4ss\n  user: app", "p4ss"),
    ("spring.datasource.password = p4ss", "p4ss"),
    ("<password>p4ss</password>", "p4ss"),
    ('<add key="ApiSecret" value="p4ss"/>', "p4ss"),
    ('<property name="hibernate.connection.password">p4ss</property>', "p4ss"),
    ('{"password":"p4ss"}', "p4ss"),
    ('{"user":"u","client_secret":"p4","n":1}', 'p4"'),
    ("grant_type=password&username=a&password=p4ss&client_secret=zz9", "p4ss"),
    ("grant_type=password&username=a&password=p4ss&client_secret=zz9", "zz9"),
    ('--b\r\nContent-Disposition: form-data; name="password"\r\n\r\np4ss\r\n--b--', "p4ss"),
    ('{"auths":{"reg":{"auth":"dTpwNHNz"}}}', "dTpwNHNz"),
    ("IDENTIFIED BY 'p4ss'", "p4ss"),
    ("ALTER ROLE x PASSWORD 'p4ss'", "p4ss"),
    ("CREATE USER x WITH ENCRYPTED PASSWORD 'p4ss' VALID", "p4ss"),
    ("machine api.x login a password p4ss", "p4ss"),
    ("db:5432:x:app:p4ss", "p4ss"),
]
"""A text, and what of it must not be kept; nothing where it holds no secret."""


@pytest.mark.parametrize(("text", "secret"), TEXTS)
def test_what_is_secret_by_its_place_in_a_text(redactor: Redactor, text: str, secret: str) -> None:
    clean = redactor.text(text)[0]
    assert ("<SECRET>" in clean) == bool(secret)
    assert not secret or secret not in clean
    assert redactor.text(clean)[0] == clean


W = "zq7wordx"
MEMBERS: list[Any] = [
    {"kind": "Secret", "data": {"k": W}, "stringData": {"z": W}},
    {"kind": "SecretList", "items": [{"data": {"k": W}}]},
    {"annotations": {"x/last-applied-configuration": json.dumps({"kind": "Secret", "data": {"a": W}})}},
    {"kind": "TokenReview", "spec": {"token": W}},
    {"kind": "TokenRequest", "status": {"token": W}},
    {"env": [{"name": "DB_PASSWORD", "value": W}]},
    {
        "headers": {
            "Authorization": W,
            "cookie": W,
            "Proxy-Authorization": W,
            "Set-Cookie": f"sid={W}; Path=/",
        }
    },
    {"headers": [["Authorization", W]]},
    {"headers": [{"name": "X-Api-Key", "value": W}]},
    {"argv": ["mysql", "-u", "root", "-p" + W]},
    {"argv": ["sudo", "sshpass", "-p", W, "ssh"]},
    {"command": ["curl", "-u", f"a:{W}", "x"]},
    {"args": ["--db-password", W]},
    {"args": [f"--db-password={W}"]},
    {"env": {"DB_PASS": W, "PGPASSWORD": W}},
    {"requestParameters": {"masterUserPassword": W, "secretString": W}},
    {"responseElements": {"credentials": {"secretAccessKey": W, "sessionToken": W}}},
    {"body": json.dumps({"first_name": W, "nested": json.dumps({"password": W})})},
    {"body": f"a=1&password={W}"},
    {"dsn": f"postgres://a:{W}@h/x"},
    {".dockerconfigjson": W},
    {"Parameters": [{"ParameterKey": "DbPassword", "ParameterValue": W}]},
]


@pytest.mark.parametrize("native", MEMBERS)
def test_what_is_secret_by_its_place_in_an_event(redactor: Redactor, native: Any) -> None:
    event = Event(id="1", time="1", action="x.y", source=Source(kind="json", name="shop"), native=native)
    clean = redactor.event(event)
    assert W not in json.dumps(clean.native)
    assert "SECRET" in json.dumps(clean.native) or "NAME" in json.dumps(clean.native)
    assert redactor.event(clean) == clean


@pytest.mark.parametrize(
    "native",
    [
        {"kind": "Pod", "data": {"k": "mild"}, "name": "n"},
        {"env": [{"name": "MODE", "value": "fast"}]},
        {"argv": ["psql", "-p", "5432", "-h", "db"]},
        {"argv": ["docker", "run", "image"]},
        {"pair": ["Accept", "text/html"]},
        {"tests_pass": 12, "compass": "north", "auth": "oidc", "token_id": "k3"},
        {"body": '{"a": [1, 2.50], "b": "c"}'},
    ],
)
def test_what_tells_nothing_stays(redactor: Redactor, native: Any) -> None:
    assert redactor.tree(native, EVENT_HINTS) == native


def test_a_document_in_a_text_keeps_its_form_and_its_joins(redactor: Redactor, tokens: Tokens) -> None:
    body = json.dumps({"password": W, "mail": "alice@example.com", "n": 1})
    clean = json.loads(redactor.tree({"body": body}, EVENT_HINTS)["body"])
    assert clean == {"password": "<SECRET>", "mail": tokens.token("EMAIL", "alice@example.com"), "n": 1}
