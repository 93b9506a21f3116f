"""The clients that vodlift is compared with, each tuned as its manual says, and with its defaults ("as it comes").

docs/benchmarks.md says why each option is there.
"""

from services import BUCKET

CURL = "/usr/bin/curl"
RCLONE = "/usr/bin/rclone"
AWS = "/usr/bin/aws"

RCLONE_TUNED = ["--s3-no-check-bucket", "--s3-no-head", "--s3-disable-checksum", "--ignore-checksum"]
RCLONE_ONE_PUT = ["--s3-upload-cutoff", "5G"]
RCLONE_MANY = ["--transfers", "16", "--checkers", "16"]
AWS_TUNED = {"addressing_style": "path", "payload_signing_enabled": "false", "multipart_chunksize": "16MB"}
AWS_DEFAULTS = {"addressing_style": "path"}


class Peer:
    """One client against the sink at `url`. `large(file, key)` and `many(folder, prefix)` give its command line."""

    def __init__(self, name, settings, env, large, many=None):
        self.name, self.settings, self.env, self.large, self.many = name, settings, env, large, many


def curl(url, certificate=None):
    trusted = ["--cacert", str(certificate)] if certificate else []
    return Peer("curl -T", "as it comes", {},
                lambda file, key: [CURL, "-q", "-sS", "--fail", *trusted, "-T", str(file), f"{url}/{BUCKET}/{key}"])


def serial_curl(url, piece, pieces):
    """One request after the other over one connection, each with a piece of the file: what waits for every answer."""
    def command(_, key):
        transfers = [part for n in range(pieces) for part in ("-T", str(piece), f"{url}/{BUCKET}/{key}-{n}")]
        return [CURL, "-q", "-sS", "--fail", *transfers]

    return Peer("curl, serial", f"{pieces} pieces of 16 MiB", {}, command)


def rclone(url, work, tuned):
    config = work / "rclone.conf"
    config.write_text("[sink]\ntype = s3\nprovider = Other\nregion = us-east-1\naccess_key_id = AKIABENCH\n"
                      f"secret_access_key = bench-secret\nendpoint = {url}\n")
    base = [RCLONE, "--config", str(config)]
    one = RCLONE_TUNED + RCLONE_ONE_PUT if tuned else []
    many = RCLONE_TUNED + RCLONE_MANY if tuned else []
    return Peer("rclone", "tuned" if tuned else "as it comes", {},
                lambda file, key: [*base, "copyto", str(file), f"sink:{BUCKET}/{key}", *one],
                lambda folder, prefix: [*base, "copy", str(folder), f"sink:{BUCKET}/{prefix}", *many])


def aws(url, work, tuned):
    settings = AWS_TUNED if tuned else AWS_DEFAULTS
    config = work / f"aws-{'tuned' if tuned else 'defaults'}.conf"
    s3_settings = "".join(f"    {name} = {value}\n" for name, value in settings.items())
    config.write_text(f"[default]\nregion = us-east-1\ns3 =\n{s3_settings}")
    env = {"AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_ACCESS_KEY_ID": "AKIABENCH",
           "AWS_SECRET_ACCESS_KEY": "bench-secret", "AWS_EC2_METADATA_DISABLED": "true"}
    base = [AWS, "--endpoint-url", url, "s3", "cp", "--no-progress", "--only-show-errors"]
    return Peer("aws s3 cp", "tuned" if tuned else "as it comes", env,
                lambda file, key: [*base, str(file), f"s3://{BUCKET}/{key}"],
                lambda folder, prefix: [*base, "--recursive", str(folder), f"s3://{BUCKET}/{prefix}/"])


def for_large_files(url, work):
    """curl comes first: the others are compared with it."""
    return [curl(url), rclone(url, work, True), rclone(url, work, False), aws(url, work, True), aws(url, work, False)]


def for_small_files(url, work):
    return [rclone(url, work, True), rclone(url, work, False), aws(url, work, True), aws(url, work, False)]
