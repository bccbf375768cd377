"""The folder of a run: what is in it, and that a training that was stopped ends as one that was not."""

from __future__ import annotations

import copy
import json

import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.cli import main
from tinygrad_cnn.cli.train.training import Training

SHORT = ["--epochs", "2", "--limit", "200", "--batch-size", "50"]


def train(capsys, *words):
    """Exit code, standard output, and what is said on standard error but for the epochs."""
    try:
        code = main(["train", *map(str, words)])
    except SystemExit as stop:
        code = stop.code
    out, err = capsys.readouterr()
    return code, out, "\n".join(line for line in err.splitlines() if not line.startswith("epoch "))


@pytest.fixture
def stop_after(monkeypatch):
    """Let trainings stop after so many steps; 0: at their end."""
    left = [0]
    run = Training.run

    def wanted():
        left[0] -= 1
        return left[0] == 0

    monkeypatch.setattr(Training, "run", lambda self, progress: run(self, progress, wanted))
    return lambda steps: left.__setitem__(0, steps)


def weights(file):
    return {name: t.tolist() for name, t in tg.load(file).items()}


def test_what_is_in_it(capsys, tmp_path):
    folder = tmp_path / "runs" / "a"
    code, out, err = train(capsys, *SHORT, "--run", folder, "--seed", 5, "--keep", 1, "--json")
    assert (code, json.loads(out)["run"]) == (0, str(folder))
    assert str(folder) in err
    assert sorted(p.name for p in folder.iterdir()) == ["checkpoints", "config.json", "metrics.jsonl", "report.html"]
    assert sorted(p.name for p in (folder / "checkpoints").iterdir()) == ["best.tgc", "step-00000008.tgc"]
    config = json.loads((folder / "config.json").read_text())
    assert config["seed"] == config["options"]["seed"] == 5
    assert config["options"]["lr"] == 0.05
    assert config["options"]["model"] == "digits"
    assert config["versions"]["tinygrad_cnn"] == tg.__version__
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    assert [row.get("step") for row in rows] == [1, 2, 3, 4, None, 5, 6, 7, 8, None]
    assert {"epoch", "loss", "accuracy", "test_loss", "test_accuracy", "lr"} == set(rows[-1])
    assert {"epoch", "step", "loss", "lr", "gradients"} == set(rows[0])
    assert "Class balance" in (folder / "report.html").read_text(encoding="utf-8")


def test_a_folder_is_never_written_over(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(2):
        assert train(capsys, "--epochs", 1, "--limit", 64, "--run")[0] == 0
    assert sorted(p.name for p in (tmp_path / "runs").iterdir()) == ["digits-1", "digits-2"]
    code, _, err = train(capsys, "--run", "runs/digits-1")
    assert code == 2
    assert "holds a run already" in err
    assert "--resume runs/digits-1" in err


def test_one_that_was_killed_before_it_began_is_no_run(capsys, tmp_path):
    (tmp_path / "a" / "checkpoints").mkdir(parents=True)
    (tmp_path / "a" / "metrics.jsonl").touch()
    assert train(capsys, "--epochs", 1, "--limit", 64, "--run", tmp_path / "a")[0] == 0


@pytest.mark.slow
def test_stopped_after_any_step_it_ends_as_one_that_was_not(capsys, tmp_path, stop_after):
    options = [*SHORT, "--model", "keras_mnist", "--optimizer", "adam", "--val", "0.1", "--patience", "2"]
    whole = tmp_path / "whole"
    assert train(capsys, *options, "--run", whole, "--save", tmp_path / "whole.tgc")[0] == 0
    for steps in (1, 4, 6):  # within an epoch, at its end, within the next
        folder = tmp_path / str(steps)
        stop_after(steps)
        train(capsys, *options, "--run", folder, "--save", tmp_path / "again.tgc")
        with (folder / "metrics.jsonl").open("a") as file:
            file.write('{"epoch": 7, "step": 90}\n{"epoch": 7, "st')  # after the checkpoint, and torn
        assert train(capsys, "--resume", folder)[0] == 0
        assert weights(tmp_path / "again.tgc") == weights(tmp_path / "whole.tgc")
        for name in ("metrics.jsonl", "report.html"):
            assert (folder / name).read_bytes() == (whole / name).read_bytes()


def test_one_file_of_checkpoints_does_the_same(capsys, tmp_path, stop_after):
    options = [*SHORT, "--seed", 1, "--model", "keras_mnist", "--report", tmp_path / "r.html"]
    _, whole, _ = train(capsys, *options, "--json")
    report = (tmp_path / "r.html").read_bytes()
    stop_after(3)
    train(capsys, *options, "--checkpoint", tmp_path / "x.tgc")
    (tmp_path / "r.html").unlink()
    code, again, _ = train(capsys, "--resume", tmp_path / "x.tgc", "--json")
    assert code == 0
    assert json.loads(again)["test_loss"] == json.loads(whole)["test_loss"]
    assert (tmp_path / "r.html").read_bytes() == report


def test_a_damaged_checkpoint_is_passed_over(capsys, tmp_path):
    folder = tmp_path / "a"
    train(capsys, *SHORT, "--run", folder, "--checkpoint-every", 3, "--keep", 5)
    metrics = (folder / "metrics.jsonl").read_bytes()
    files = sorted((folder / "checkpoints").glob("step-*"))
    assert [f.name[10:13] for f in files] == ["003", "004", "006", "008"]
    for file in files[2:]:
        file.write_bytes(file.read_bytes()[:-100])
    code, _, err = train(capsys, "--resume", folder)
    assert code == 0
    assert "step-00000008.tgc is no whole file" in err
    assert "step-00000004.tgc instead" in err
    assert (folder / "metrics.jsonl").read_bytes() == metrics
    assert tg.load(files[2])["more"]["step"] == 2
    for file in (folder / "checkpoints").iterdir():
        file.write_bytes(b"")
    code, _, err = train(capsys, "--resume", folder)
    assert code == 2
    assert err.count("is no whole file") == 4


@pytest.mark.slow
def test_a_checkpoint_that_holds_other_things_is_one_line(capsys, tmp_path):
    """The file is whole, but no training has written it so."""
    folder = tmp_path / "a"
    train(capsys, *SHORT, "--run", folder, "--optimizer", "adam", "--checkpoint-every", 3, "--keep", 5)
    whole = tg.load(folder / "checkpoints" / "step-00000003.tgc")
    for file in (folder / "checkpoints").iterdir():
        file.unlink()

    def resumed(change):
        held = copy.deepcopy(whole)
        change(held)
        tg.save(held, folder / "checkpoints" / "step-00000003.tgc")
        return train(capsys, "--resume", folder)

    mine, state = lambda held: held["more"]["ranks"][0], lambda held: held["rng"]["numpy"]["state"]
    for change, words in (
        (lambda held: held["more"].update(step=99), "epoch 0, step 99, which this training has not"),
        (lambda held: held["more"].update(epoch={}), "TypeError"),
        (lambda held: mine(held).update(sums=[1]), "not enough values"),
        (lambda held: mine(held).update(sums=["x", 1, 1]), "could not convert"),
        (lambda held: state(held).update(inc=-1), "set_state: expected what get_state() gives"),
        (lambda held: state(held).update(inc=2**200), "set_state: expected what get_state() gives"),
        (lambda held: held["optimizer"]["param_groups"][0].update(lr=b"x"), "hyperparameter that is none"),
        (lambda held: held["parts"]["stopper"].update(num_bad_epochs=None), "num_bad_epochs must be an int"),
        (lambda held: held["parts"]["stopper"].update(best={}), "best must be a number"),
        (lambda held: held["optimizer"]["state"][0].pop("exp_avg"), "Adam.step: the state of a parameter is not one"),
        (lambda held: held["scheduler"].update(last_epoch=[]), "TypeError"),
    ):
        code, _, err = resumed(change)
        assert code == 2
        assert "does not go on from here" in err
        assert words in err
        assert "Traceback" not in err
    assert resumed(lambda held: None)[0] == 0


def test_damaged_metrics_are_said(capsys, tmp_path):
    train(capsys, "--epochs", 1, "--limit", 64, "--run", tmp_path / "a")
    metrics = tmp_path / "a" / "metrics.jsonl"
    lines = metrics.read_text().splitlines(keepends=True)
    metrics.write_text("no\n" + lines[1])
    code, out, err = train(capsys, "--resume", tmp_path / "a")
    assert (code, out.startswith("test accuracy ")) == (2, True)  # which was not in vain
    assert "metrics.jsonl, line 1 is no JSON object" in err
    metrics.write_text("no")
    code, _, err = train(capsys, "--resume", tmp_path / "a")
    assert code == 2
    assert "is no file of JSON objects" in err
    metrics.write_text("")
    assert "the state is of 2 lines" in train(capsys, "--resume", tmp_path / "a")[2]


def test_only_one_process_trains_in_a_folder(capsys, tmp_path):
    fcntl = pytest.importorskip("fcntl")
    train(capsys, "--epochs", 1, "--limit", 64, "--run", tmp_path / "a")
    with (tmp_path / "a" / "metrics.jsonl").open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        code, _, err = train(capsys, "--resume", tmp_path / "a")
    assert code == 2
    assert "another process is training in" in err


REFUSED = [
    (["--lr", "0.1"], "--lr: {run} was begun with --lr 0.05, and goes on so; leave it out, or begin a new run"),
    (["--val", "0.1"], "--val: {run} was begun without --val"),
    (["--epochs", "9"], "--epochs: {run} was begun with --epochs 1"),
    (["--run", "x"], "--run: a run that is resumed stays in its folder"),
]


def test_what_does_not_agree_is_refused(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    train(capsys, "--epochs", 1, "--limit", 64, "--run", "a")
    before = (tmp_path / "a" / "metrics.jsonl").read_bytes()
    for words, message in REFUSED:
        code, out, err = train(capsys, "--resume", "a", *words)
        assert (code, out) == (2, "")
        assert message.format(run="a") in err
    assert train(capsys, "--resume", "a", "--epochs", 1, "--json")[0] == 0
    assert (tmp_path / "a" / "metrics.jsonl").read_bytes() == before
    for name, message in [("none", "No such file"), (".", "no folder of a run: it has no config.json")]:
        code, _, err = train(capsys, "--resume", name)
        assert code == 2
        assert message in err
    config = json.loads((tmp_path / "a" / "config.json").read_text())
    for options, message in [
        ({"epochs": "many"}, "the options of a are damaged: argument --epochs: invalid int value: 'many'"),
        ({"save": "a\0b"}, "the options of a are damaged: they hold a null character"),
        ({"model": "lenin"}, "invalid choice: 'lenin'"),
        ({"lr": {}}, "--lr"),
    ]:
        changed = {**config, "options": {**config["options"], **options}}
        (tmp_path / "a" / "config.json").write_text(json.dumps(changed))
        assert message in train(capsys, "--resume", "a")[2]
    for text in ("{", "[]", '{"options": 3}', "null"):
        (tmp_path / "a" / "config.json").write_text(text)
        assert "config.json is damaged" in train(capsys, "--resume", "a")[2]
