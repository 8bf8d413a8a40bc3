"""Files are written whole or not at all, through no link, and errors name them in one line."""

import os
import secrets
import stat

import pytest

from tests.oracles.permissions import permissions_hold
from verifier.evidence import files
from verifier.evidence.files import (
    make_folder,
    open_regular,
    replacing,
    sync_folder,
    write_bytes,
    write_within,
)
from verifier.question.errors import RefusedError, UserError


def test_writing_is_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_bytes(path, b"old")
    synced = []
    monkeypatch.setattr(files, "sync_folder", synced.append)
    flushed = []
    sync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda handle: (flushed.append(handle), sync(handle)))
    write_bytes(path, b"new", settle=False)
    assert path.read_bytes() == b"new" and synced == [] and len(flushed) == 1
    write_bytes(path, b"newer")
    assert path.read_bytes() == b"newer" and synced == [tmp_path] and len(flushed) == 2

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(UserError, match=f"{path}: No space left"):
        write_bytes(path, b"newest")
    assert path.read_bytes() == b"newer"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]
    with pytest.raises(UserError, match="No such file"):
        write_bytes(tmp_path / "none" / "file", b"")


def test_a_folder_is_synced_and_closed(tmp_path, monkeypatch):
    flushed = []
    monkeypatch.setattr(os, "fsync", flushed.append)
    for _ in range(3):
        sync_folder(tmp_path)
    assert len(set(flushed)) == 1  # the same handle again: it was closed
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(flushed[0])


def test_no_name_of_a_temporary_file_is_foreseen(tmp_path, monkeypatch):
    """The names differ each time; where one is taken, even by a link, nothing is written."""
    names = []
    replace = os.replace
    monkeypatch.setattr(os, "replace", lambda a, b: (names.append(a), replace(a, b)))
    for _ in range(20):
        write_bytes(tmp_path / "file", b"content")
    assert len(set(names)) == 20 and all(len(name.name) > 32 for name in names)
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    monkeypatch.setattr(secrets, "token_hex", lambda _: "foreseen")
    (tmp_path / ".foreseen.tmp").symlink_to(victim)
    with pytest.raises(UserError, match="File exists"):
        write_bytes(tmp_path / "file", b"evil")
    assert victim.read_bytes() == b"precious"
    assert (tmp_path / ".foreseen.tmp").is_symlink()  # not ours, so not removed


def test_a_link_in_the_place_of_the_target_is_replaced(tmp_path):
    victim, link = tmp_path / "victim", tmp_path / "link"
    victim.write_bytes(b"precious")
    link.symlink_to(victim)
    write_bytes(link, b"new")
    assert victim.read_bytes() == b"precious"
    assert not link.is_symlink() and link.read_bytes() == b"new"


def test_a_folder_that_links_elsewhere_is_not_written_through(tmp_path):
    outside, folder = tmp_path / "outside", tmp_path / "folder"
    outside.mkdir()
    folder.mkdir()
    write_within(folder, "tables/a.csv", b"1")
    assert (folder / "tables" / "a.csv").read_bytes() == b"1"
    (folder / "figures").symlink_to(outside)
    with pytest.raises(UserError, match=r"figures: a link that leads out of"):
        write_within(folder, "figures/a.svg", b"1")
    assert list(outside.iterdir()) == []


def test_pipes_and_devices_are_neither_read_nor_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, "/dev/null"):
        with pytest.raises(UserError, match="not a regular file"):
            write_bytes(path, b"1")
        with pytest.raises(RefusedError, match="a pipe or a device"), open_regular(path):
            pass
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@pytest.mark.parametrize("name", ["a\0b", "half\ud800"])
def test_names_that_no_file_has(name, tmp_path):
    for write in (lambda: write_bytes(tmp_path / name, b"1"), lambda: make_folder(tmp_path / name)):
        with pytest.raises(UserError) as caught:
            write()
        assert str(caught.value).isprintable()
    with pytest.raises(OSError, match="null|surrogates"), open_regular(tmp_path / name):
        pass


def test_nothing_is_left_of_a_block_that_raises(tmp_path):
    path = tmp_path / "file"
    write_bytes(path, b"old")
    with pytest.raises(ZeroDivisionError), replacing(path) as stream:
        stream.write(b"half")
        raise ZeroDivisionError
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_new_files_obey_the_mask_of_the_process(tmp_path):
    before = os.umask(0o027)
    try:
        write_bytes(tmp_path / "file", b"1")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


@pytest.mark.parametrize("kind", ["file", "missing parent of a file", "no permission"])
def test_a_folder_that_cannot_be_written_is_named(kind, tmp_path, monkeypatch):
    path = tmp_path / "folder"
    if kind == "file":
        path.write_bytes(b"")
    elif kind == "no permission":
        path.mkdir()
        monkeypatch.setattr(os, "access", lambda *_, **__: False)
    else:
        (tmp_path / "folder").write_bytes(b"")
        path = path / "below"
    with pytest.raises(UserError, match=f"^{path}: "):
        make_folder(path)


def test_a_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    with permissions_hold():
        for write in (
            lambda: write_bytes(tmp_path / "file", b"1"),
            lambda: make_folder(tmp_path),
            lambda: make_folder(tmp_path / "new"),
        ):
            with pytest.raises(UserError, match="Permission denied"):
                write()
    tmp_path.chmod(0o700)
