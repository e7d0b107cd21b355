"""Strategies: what they need, and who writes."""

import json

import pytest
import tensorflow as tf

from trainers import train
from trainers.runs import flagfiles, strategies


def make(*argv):
    return strategies.make(flagfiles.new_options(train.define_flags, argv))


def test_one_device_is_no_strategy():
    assert make("--strategy=one_device") is None


def test_too_few_devices_in_a_running_process():
    tf.config.list_logical_devices()  # From here on their number is settled.
    with pytest.raises(ValueError, match="--num_devices=64 needs as many devices"):
        make("--strategy=mirrored", "--num_devices=64")


@pytest.mark.parametrize("text", [None, "{", "[]", '{"cluster": {}}'])
def test_tf_config_is_asked_for(monkeypatch, text):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if text is not None:
        monkeypatch.setenv("TF_CONFIG", text)
    with pytest.raises(ValueError, match="TF_CONFIG"):
        make("--strategy=multi_worker_mirrored")


@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (None, True),
        ({"type": "worker", "index": 0}, True),
        ({"type": "worker", "index": 1}, False),
        ({"type": "chief", "index": 0}, True),
    ],
)
def test_the_chief(monkeypatch, task, expected):
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if task:
        monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": {}, "task": task}))
    assert strategies.is_chief() is expected
