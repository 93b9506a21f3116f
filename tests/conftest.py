"""Fixtures of the tests in e2e/ and catalogue/: the real binary, a real S3 server, the fake S3, a customer's server."""

import json
import pathlib
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import types
import uuid

import boto3
import pytest
from botocore.config import Config

TESTS = pathlib.Path(__file__).resolve().parent
for folder in ("e2e", "fakes", "catalogue", "packages"):
    sys.path.insert(0, str(TESTS / folder))

from callback_receiver import CallbackReceiver
from catalogue_rows import NOT_RUN, RowReport
from fake_aws import FakeAws
from fake_s3 import FakeS3
from postgres_nodes import MONITORED, store_lines
from postgres_server import PostgresServer
from server import Server, Site
from support import CAP_SYS_ADMIN, ROOT, need_capability


def pytest_configure(config):
    config.pluginmanager.register(RowReport())


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items):
    """Where the tests run in several processes, those of a file that share a fixture stay in one process."""
    for item in items:
        fixtures = [found[-1] for found in item._fixtureinfo.name2fixturedefs.values()]
        if any(fixture.scope == "module" for fixture in fixtures):
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


@pytest.fixture(scope="session")
def rgw():
    """Debian's radosgw, one for each process of pytest: endpoint, access_key, secret_key, region, its `folder`, and
    `client` of boto3."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="vodlift-rgw-"))
    try:
        subprocess.run([ROOT / "tests/s3/rgw-up", folder], check=True, stdout=subprocess.DEVNULL, timeout=180)
        settings = json.loads((folder / "s3.json").read_text())
        client = boto3.client("s3", endpoint_url=settings["endpoint"], region_name=settings["region"],
                              aws_access_key_id=settings["access_key"], aws_secret_access_key=settings["secret_key"],
                              config=Config(s3={"addressing_style": "path"}))
        yield types.SimpleNamespace(**settings, client=client, folder=folder)
    finally:
        subprocess.run([ROOT / "tests/s3/rgw-down", folder], check=True, timeout=60)


@pytest.fixture
def rgw_bucket(rgw):
    """A new bucket of radosgw."""
    name = f"videos-{uuid.uuid4().hex[:12]}"
    rgw.client.create_bucket(Bucket=name)
    return name


@pytest.fixture
def fake():
    """The scriptable S3 with a bucket `videos`."""
    with FakeS3() as server:
        server.create_bucket("videos")
        yield server


@pytest.fixture
def aws(fake):
    """Metadata service, container endpoint and STS, whose credentials `fake` takes."""
    with FakeAws(fake) as server:
        yield server


@pytest.fixture
def new_site():
    """Makes sites with other settings than usual: new_site(allow_networks=())."""
    sites = []

    def make(**config) -> Site:
        sites.append(Site(**config))
        return sites[-1]

    yield make
    for one in sites:
        one.close()


@pytest.fixture(scope="module")
def postgres():
    """A PostgreSQL server for the tests of one file, each of which makes its own database."""
    server = PostgresServer()
    yield server
    server.close()


@pytest.fixture
def site(new_site):
    return new_site()


@pytest.fixture
def database(postgres):
    """The name of an empty database."""
    return postgres.new_database()


@pytest.fixture
def store(postgres, database):
    """Gives the lines of [store] for a server."""
    return lambda server: store_lines(server, postgres.url(database))


@pytest.fixture
def stopped():
    """A server that is not started."""
    server = Server()
    yield server
    server.remove()


@pytest.fixture
def nodes(store, new_site):
    """Starts nodes on one database: the first as a site, the others as its further servers. `configure` gives each other node
    settings of its own."""
    others = []

    def start(count: int = 1, configure=lambda server: {}, **settings):
        settings = {"uploads": 4, "quiet_s": 0, "extra": MONITORED} | settings
        site = new_site(store=store, **settings)
        for _ in range(count - 1):
            other = Server()
            others.append(other)
            other.storage = site.server.storage
            other.configure(store=store, **(settings | configure(other)))
            shutil.copy(site.server.folder / "master.key", other.folder / "master.key")
            other.start()
        return site, [site.server, *others]

    yield start
    for other in others:
        other.close()


@pytest.fixture
def mount():
    """Mounts: mount(*arguments of mount(8), where the target is the last); undone at the end of the test. To be asked for
    after the site that it serves."""
    targets = []

    def make(*arguments) -> None:
        need_capability(CAP_SYS_ADMIN, "a mount")
        subprocess.run(["mount", *arguments], check=True)
        targets.append(arguments[-1])

    yield make
    for one in reversed(targets):
        subprocess.run(["umount", "--lazy", one], check=True)


class DeviceMaker:
    """Makes device nodes. Where mknod is refused, as in a user namespace, one of /dev is mounted in their place."""

    def __init__(self, mount, folder: pathlib.Path):
        self._mount = mount
        try:
            os.mknod(folder / "device", stat.S_IFCHR, os.makedev(1, 3))
            self._may_mknod = True
        except PermissionError:
            self._may_mknod = False
        self.storage = "" if self._may_mknod else "cross_mounts = true"  # what the site's storage needs

    def __call__(self, path: pathlib.Path, kind: int) -> None:
        """`kind` is stat.S_IFCHR or stat.S_IFBLK."""
        if self._may_mknod:
            os.mknod(path, 0o666 | kind, os.makedev(1, 3) if kind == stat.S_IFCHR else os.makedev(7, 250))
            return
        nodes = [one for one in pathlib.Path("/dev").iterdir()
                 if stat.S_IFMT(one.lstat().st_mode) == kind and os.access(one, os.R_OK)]
        if not nodes:
            what = "block" if kind == stat.S_IFBLK else "character"
            pytest.skip(f"{NOT_RUN}only root may make a {what} device, and this user may read none in /dev")
        path.touch()
        self._mount("--bind", min(nodes), path)


@pytest.fixture
def make_device(mount, tmp_path):
    return DeviceMaker(mount, tmp_path)


@pytest.fixture
def receiver():
    with CallbackReceiver() as server:
        yield server


@pytest.fixture
def new_receiver():
    """Makes receivers that answer something else than 200."""
    receivers = []

    def make(*answers) -> CallbackReceiver:
        receivers.append(CallbackReceiver([(status, dict(headers)) for status, headers in answers]).__enter__())
        return receivers[-1]

    yield make
    for one in receivers:
        one.__exit__()
