"""The journal keeps every whole record, whatever happens to its file."""

from __future__ import annotations

import errno
import json
import os
import random
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from napari_stem_defects.errors import LabelError, OutputError
from napari_stem_defects.io.labels.journal import (
    JOURNAL_NAME,
    LabelJournal,
    decode_line,
    encode_line,
    parse,
)

if TYPE_CHECKING:
    from pathlib import Path

RECORDS = [{"op": "label", "id": str(n), "y": n / 7, "name": "β\n\u2028"} for n in range(20)]

values = st.one_of(st.text(), st.integers(), st.floats(allow_nan=False, allow_infinity=False))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    LabelJournal.create(tmp_path, RECORDS)
    return tmp_path


def reopen(folder: Path) -> LabelJournal:
    journal = LabelJournal(folder)
    journal.close()
    return journal


@given(st.dictionaries(st.text(), values).map(lambda extra: {"op": "x"} | extra))
def test_a_line_is_json_and_gives_its_record_back(record: dict[str, object]) -> None:
    line = encode_line(record)
    assert "\n" not in line
    assert decode_line(line.encode()) == record
    assert {**json.loads(line), "sum": None} == {**record, "sum": None}


@given(st.binary())
def test_any_bytes_can_be_parsed(data: bytes) -> None:
    parse(data)


@given(st.integers(0), st.binary(min_size=1, max_size=3))
def test_a_changed_line_is_noticed(place: int, change: bytes) -> None:
    line = encode_line(RECORDS[3]).encode()
    at = place % len(line)
    changed = line[:at] + change + line[at + len(change) :]
    assert changed == line or decode_line(changed) is None


def test_what_was_appended_is_there_again(folder: Path) -> None:
    journal = LabelJournal(folder)
    journal.append([{"op": "a"}, {"op": "b"}])
    journal.append([])
    journal.append([{"op": "c"}])
    journal.close()
    again = reopen(folder)
    assert list(again.contents.records) == [*RECORDS, {"op": "a"}, {"op": "b"}, {"op": "c"}]
    assert again.warnings == ()
    assert again.count == len(RECORDS) + 3


def test_line_ends_of_windows_do_no_harm(folder: Path) -> None:
    path = folder / JOURNAL_NAME
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert list(reopen(folder).contents.records) == RECORDS


def test_every_truncation_keeps_the_whole_records(folder: Path) -> None:
    whole = (folder / JOURNAL_NAME).read_bytes()
    chance = random.Random(1)
    for cut in [chance.randrange(len(whole)) for _ in range(200)]:
        (folder / JOURNAL_NAME).write_bytes(whole[:cut])
        journal = reopen(folder)
        # A record whose line end alone is missing is whole.
        complete = max(whole[: cut + 1].count(b"\n") - 1, 0)
        assert list(journal.contents.records) == RECORDS[:complete]
        torn = journal.contents.torn
        assert len(journal.warnings) == bool(torn)
        if torn:
            (kept,) = folder.glob("labels.torn-*.jsonl")
            assert kept.read_bytes() == torn
            assert kept.name in journal.warnings[0]
            kept.unlink()
        assert reopen(folder).warnings == ()


def test_a_record_without_its_line_end_is_completed(folder: Path) -> None:
    path = folder / JOURNAL_NAME
    whole = path.read_bytes()
    path.write_bytes(whole[:-1])
    assert reopen(folder).warnings == ()
    assert path.read_bytes() == whole


def test_a_torn_tail_stays_where_it_is_for_readers(folder: Path) -> None:
    path = folder / JOURNAL_NAME
    path.write_bytes(torn := path.read_bytes()[:-5])
    journal = LabelJournal(folder, read_only=True)
    assert len(journal.contents.records) == len(RECORDS) - 1
    assert "ignored" in journal.warnings[0]
    assert path.read_bytes() == torn


def test_damage_in_the_middle_costs_one_line_and_is_reported(folder: Path) -> None:
    path = folder / JOURNAL_NAME
    lines = path.read_bytes().split(b"\n")
    lines[7] = lines[7].replace(b'"id"', b'"ib"')
    path.write_bytes(damaged := b"\n".join(lines))
    journal = reopen(folder)
    assert list(journal.contents.records) == RECORDS[:6] + RECORDS[7:]
    assert "line 8" in journal.warnings[0]
    assert path.read_bytes() == damaged


def test_a_damaged_header_is_reported_and_costs_no_record(folder: Path) -> None:
    path = folder / JOURNAL_NAME
    path.write_bytes(b"x" + path.read_bytes())
    journal = reopen(folder)
    assert list(journal.contents.records) == RECORDS
    assert "line 1" in journal.warnings[0]


def test_a_rewrite_keeps_damaged_lines_in_a_file_beside_it(folder: Path) -> None:
    path = folder / JOURNAL_NAME
    path.write_bytes(damaged := path.read_bytes().replace(b'"id":"4"', b'"id":"5"'))
    journal = LabelJournal(folder)
    journal.rewrite(RECORDS[:2])
    journal.append([{"op": "after"}])
    journal.close()
    (kept,) = folder.glob("labels.damaged-*.jsonl")
    assert kept.read_bytes() == damaged
    assert list(reopen(folder).contents.records) == [*RECORDS[:2], {"op": "after"}]


def test_a_second_opener_only_reads(folder: Path) -> None:
    first, second = LabelJournal(folder), LabelJournal(folder)
    assert not first.read_only
    assert second.read_only
    assert "another" in second.warnings[0]
    with pytest.raises(LabelError, match="another panel"):
        second.append([{"op": "x"}])
    first.append([{"op": "x"}])
    first.close()
    second.close()
    assert not reopen(folder).read_only


def test_reading_takes_no_lock(folder: Path) -> None:
    looking = LabelJournal(folder, read_only=True)
    writing = LabelJournal(folder)
    assert looking.warnings == writing.warnings == ()
    assert not writing.read_only
    writing.close()
    with pytest.raises(LabelError, match="opened read-only"):
        looking.append([{"op": "x"}])


def test_a_newer_format_is_read_and_left_alone(folder: Path) -> None:
    path = folder / JOURNAL_NAME
    header = encode_line({"op": "journal", "format": 2})
    path.write_bytes(f"{header}\n{encode_line(RECORDS[0])}\nhalf a li".encode())
    before = path.read_bytes()
    journal = LabelJournal(folder)
    assert journal.read_only
    assert "newer" in journal.warnings[0]
    with pytest.raises(LabelError, match="newer") as caught:
        journal.append([{"op": "x"}])
    assert "\n" not in str(caught.value)
    journal.close()
    assert path.read_bytes() == before
    assert not list(folder.glob("labels.torn*"))


def test_a_change_by_another_program_is_noticed(folder: Path) -> None:
    journal = LabelJournal(folder)
    with (folder / JOURNAL_NAME).open("ab") as file:
        file.write(b"from elsewhere\n")
    with pytest.raises(LabelError, match="reopen"):
        journal.append([{"op": "x"}])
    journal.close()


def test_a_journal_that_went_away_is_an_output_error(folder: Path) -> None:
    journal = LabelJournal(folder)
    (folder / JOURNAL_NAME).unlink()
    with pytest.raises(OutputError, match="gone"):
        journal.append([{"op": "x"}])
    journal.close()


def test_a_closed_journal_takes_nothing(folder: Path) -> None:
    with pytest.raises(LabelError, match="closed"):
        reopen(folder).append([{"op": "x"}])


def test_a_folder_without_a_journal_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LabelError, match="not a label project"):
        LabelJournal(tmp_path)


def refuse(*_: object) -> None:
    raise PermissionError(errno.EACCES, "Permission denied")


def test_a_write_protected_folder_is_opened_read_only(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FileLock, "acquire", refuse)
    journal = LabelJournal(folder)
    assert journal.read_only
    assert "Permission denied" in journal.warnings[0]
    assert list(journal.contents.records) == RECORDS
    journal.close()


def test_a_write_protected_journal_is_opened_read_only(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "write-protected" in reopen(folder).warnings[0]
