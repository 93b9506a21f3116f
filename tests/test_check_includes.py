"""The include rule on small trees that break it in every way it forbids, and on one that does not."""

import pathlib
import subprocess
import sys

import pytest

CHECK = pathlib.Path(__file__).with_name("check_includes.py")

GOOD = {
    "CMakeLists.txt": "add_executable(vodlift main.cc)\ntarget_link_libraries(vodlift PRIVATE vodlift_app)\n",
    "main.cc": '#include "app/server.h"\n#include <string>\n',
    "base/CMakeLists.txt": "vodlift_library(base SOURCES error.cc PRIVATE_DEPENDS OpenSSL::Crypto)\n",
    "base/hash.cc": "#include <openssl/evp.h>\n",
    "core/CMakeLists.txt": "vodlift_library(core\n  SOURCES a.cc  # vodlift_library(x DEPENDS app)\n  DEPENDS base)\n",
    "core/upload.h": '#include "base/error.h"\n',
    "net/CMakeLists.txt": "vodlift_library(net SOURCES a.cc DEPENDS base PRIVATE_DEPENDS CURL::libcurl)\n",
    "net/http_client.cc": '#include <curl/curl.h>\n#include "net/http_client.h"\n',
    "net/http_server.cc": "#include <boost/asio.hpp>\n",
    "worker/CMakeLists.txt": "vodlift_library(worker SOURCES a.cc DEPENDS core)\n"
                             "vodlift_test(worker_test SOURCES a_test.cc DEPENDS vodlift_worker vodlift_storage)\n",
    "worker/run.cc": '#include "core/upload.h"\n#include "base/error.h"\n#include <boost/json.hpp>\n',
    "worker/run_test.cc": '#include "storage/files.h"\n#include "worker/fakes_test.h"\n',
    "storage/CMakeLists.txt": "vodlift_library(storage SOURCES a.cc DEPENDS core)\n",
    "app/CMakeLists.txt": "vodlift_library(app SOURCES a.cc DEPENDS core net storage worker)\n",
    "app/server.cc": '#include "worker/run.h"\n#include "base/error.h"\n#include <toml++/toml.h>\n',
}

BAD = [
    ("a sibling", "worker/run.cc", '\n#include "storage/files.h"\n', 2, "worker does not depend on storage"),
    ("upwards", "core/upload.h", '#include "app/server.h"\n', 1, "core does not depend on app"),
    ("a network in the worker", "worker/run.cc", '#  include "net/http_client.h"\n', 1, "does not depend on net"),
    ("no folder", "core/upload.h", '#include "error.h"\n', 1, "write the folder"),
    ("an unknown folder", "core/upload.h", '#include "panel/x.h"\n', 1, "no folder of src/"),
    ("main past app", "main.cc", '#include "worker/run.h"\n', 1, "the program does not depend on worker"),
    ("a test's helper", "worker/run.cc", '#include "worker/fakes_test.h"\n', 1, "is for tests only"),
    ("SQLite outside store", "worker/run.cc", "#include <sqlite3.h>\n", 1, "store/*"),
    ("Asio outside the server", "net/http_client.cc", "#include <boost/asio/ip/tcp.hpp>\n", 1, "net/http_server*"),
    ("curl outside net", "app/server.cc", "int x;\n#include <curl/curl.h>\n", 2, "net/*"),
    ("OpenSSL outside base", "net/http_client.cc", "#include <openssl/ssl.h>\n", 1, "base/*"),
    ("TOML outside app", "core/upload.h", "#include <toml++/toml.h>\n", 1, "app/*"),
    ("siblings by CMake", "worker/CMakeLists.txt", "vodlift_library(worker SOURCES a.cc DEPENDS core storage)\n", 1,
     "worker may not depend on storage"),
    ("a cycle by CMake", "base/CMakeLists.txt", "\n\nvodlift_library(base SOURCES a.cc DEPENDS core)\n", 3,
     "base may not depend on core"),
    ("no library", "core/CMakeLists.txt", "", 1, "no vodlift_library()"),
]


def run(folder: pathlib.Path, files: dict[str, str]) -> subprocess.CompletedProcess:
    for name, text in {**{"storage/files.h": ""}, **files}.items():
        (folder / "src" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "src" / name).write_text(text)
    return subprocess.run([sys.executable, CHECK, folder], capture_output=True, text=True, timeout=30)


def test_a_good_tree(tmp_path):
    done = run(tmp_path, GOOD)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file,text,line,reason", [one[1:] for one in BAD], ids=[one[0] for one in BAD])
def test_offences(tmp_path, file, text, line, reason):
    done = run(tmp_path, {**GOOD, file: text})
    assert done.returncode == 1
    where = "core/upload.h" if not text else file  # without its library, a folder's sources have no layer
    told = [offence for offence in done.stdout.splitlines() if f"src/{where}:{line}: " in offence]
    assert told and any(reason in offence for offence in told), done.stdout


def test_an_empty_tree_is_no_success(tmp_path):
    (tmp_path / "src").mkdir()
    done = subprocess.run([sys.executable, CHECK, tmp_path], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and "nothing to check" in done.stdout


def test_this_tree():
    done = subprocess.run([sys.executable, CHECK], capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stdout
