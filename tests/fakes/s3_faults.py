"""Faults of the fake S3, read from scenario files (scenarios/*.json); docs/testing.md says how to write one."""

import dataclasses
import json
import pathlib
import threading

SCENARIOS = pathlib.Path(__file__).with_name("scenarios")
OPERATIONS = {"PutObject", "CreateMultipartUpload", "UploadPart", "ListParts", "CompleteMultipartUpload",
              "AbortMultipartUpload", "DeleteObject", "GetBucketOwnershipControls", "HeadObject", "GetObject", "GetObjectAcl", "ListMultipartUploads", "ListObjectsV2"}
DROPS = {"before_body", "mid_body", "before_response", "mid_response"}


@dataclasses.dataclass
class Fault:
    """What happens to one request. The operation still runs, unless an error, a cut or a hold takes its place."""

    status: int | None = None  # answer this instead
    code: str | None = None  # as S3's error XML with this code
    message: str = "made by a scenario"
    body: str | None = None  # or with these very bytes
    headers: dict[str, str] = dataclasses.field(default_factory=dict)  # added to the answer or replacing its own
    delay_s: float = 0.0  # before the answer
    bytes_per_s: float | None = None  # reads the body no faster
    drop: str | None = None  # closes the connection there
    effect: bool | None = None  # whether the operation is carried out, where that is not as explained above
    flip: bool = False  # one bit of the body arrives as another one
    vanish: bool = False  # first drops the multipart upload the request names
    late_s: float = 0.0  # the operation is carried out only so long after the answer
    without: list[str] = dataclasses.field(default_factory=list)  # headers that the answer loses on its way
    hold: bool = False  # answers nothing until the fake is released or stopped, and then hangs up
    in_turn: bool = False  # answers only when the test calls let_answer(): one request a call

    def __post_init__(self) -> None:
        if self.drop not in (None, *DROPS):
            raise ValueError(f"drop: {self.drop!r} is none of {sorted(DROPS)}")
        if self.effect is None:
            replaced = self.status is not None or self.code is not None or self.body is not None
            self.effect = not (replaced or self.hold or self.late_s or self.drop in ("before_body", "mid_body"))


@dataclasses.dataclass
class Rule:
    """Which requests get the fault: the `nth` of those (counted from 1) that the other conditions let through."""

    operation: str
    fault: Fault
    nth: int | list[int] | str = "every"
    if_header: str | None = None  # only requests that have this header
    if_part_above: int = 0  # only parts with a higher number
    seen: int = 0

    def __post_init__(self) -> None:
        if self.operation not in OPERATIONS:
            raise ValueError(f"operation: {self.operation!r} is none of {sorted(OPERATIONS)}")
        numbers = self.nth if isinstance(self.nth, list) else [self.nth]
        if self.nth != "every" and not all(isinstance(one, int) and one >= 1 for one in numbers):
            raise ValueError(f"nth: {self.nth!r} is neither a number from 1, a list of such, nor 'every'")

    def takes(self, operation: str, headers: dict[str, str], part: int) -> bool:
        if operation != self.operation or (self.if_part_above and part <= self.if_part_above):
            return False
        if self.if_header and self.if_header not in headers:
            return False
        self.seen += 1
        if self.nth == "every":
            return True
        return self.seen in (self.nth if isinstance(self.nth, list) else [self.nth])


@dataclasses.dataclass
class Scenario:
    about: str
    rules: list[Rule]
    store: dict  # settings of s3_store.Store
    upload: dict  # what tests/e2e/test_s3_faults.py uploads while it plays, and
    expect: dict  # how that has to end
    lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def fault_for(self, operation: str, headers: dict[str, str], part: int) -> Fault | None:
        """The fault of the first rule that matches this request; every rule counts the request."""
        with self.lock:
            taken = [rule for rule in self.rules if rule.takes(operation, headers, part)]
        return taken[0].fault if taken else None


def parse(document: dict) -> Scenario:
    """Raises TypeError or ValueError for what no scenario can say."""
    unknown = set(document) - {"about", "rules", "store", "upload", "expect"}
    if unknown:
        raise ValueError(f"a scenario has no {sorted(unknown)}")
    rules = [Rule(**{**rule, "fault": Fault(**rule["fault"])}) for rule in document["rules"]]
    return Scenario(document["about"], rules, document.get("store", {}), document.get("upload", {}),
                    document.get("expect", {}))


def load(name: str) -> Scenario:
    """The scenario of scenarios/NAME.json."""
    return parse(json.loads((SCENARIOS / f"{name}.json").read_text()))


NOTHING = {"about": "no fault", "rules": []}
