"""Each field of an upload keeps its value all the way: form or command line, queue, restart, aws.status."""

import pathlib
import re

from support import KIB, make_file

API = pathlib.Path(__file__).parents[2] / "docs/api.md"
SAMPLES = {
    "path": "sestore4/jb/film.mp4", "destination_path": "films/ü 1.mp4", "bucket": "videos", "acl": "public-read",
    "metadata": {"title": "Ü"}, "callback": "http://127.0.0.1:9009/done", "priority": 7, "content_type": "text/vtt",
    "cache_control": "no-store", "content_disposition": "inline", "storage_class": "STANDARD_IA",
    "tags": {"Show": "x y"}, "overwrite": "keep", "checksum": "md5:d41d8cd98f00b204e9800998ecf8427e"}
FLAGS = {"destination_path": "--to", "metadata": "--meta", "tags": "--tag"}


def documented_fields() -> list[str]:
    """The fields of aws.upload in docs/api.md, which a unit test holds against the table in core/upload_fields.cc."""
    table = API.read_text().split("<!-- from the command table: aws.upload -->")[1].split("<!-- end -->")[0]
    return re.findall(r"^\| `(\w+)` \|", table, re.M)


def as_arguments(field: str, value) -> list:
    pairs = [f"{name}={text}" for name, text in value.items()] if isinstance(value, dict) else [value]
    return [word for pair in pairs for word in (FLAGS.get(field, "--" + field.replace("_", "-")), pair)]


def test_each_field_survives_from_the_door_to_the_status(site, fake):
    assert documented_fields() == list(SAMPLES), "a new field needs a sample here"
    site.use(fake, "videos")
    make_file(site.files / "film.mp4", KIB)
    answer = site.api.call("aws.upload", **SAMPLES)
    assert answer.ok, answer
    arguments = [word for field, value in SAMPLES.items() if field != "path" for word in as_arguments(field, value)]
    site.server.cli("upload", SAMPLES["path"], "--cdn", 158, *arguments)
    site.server.restart()
    uploads = site.api.all()
    assert len(uploads) == 2
    for upload in uploads:
        shown = upload | upload["options"]
        assert {field: shown[field] for field in SAMPLES} == SAMPLES, upload
