"""How many training steps one call of TensorFlow's runs."""

import contextlib
import inspect
import math

import keras

from zoo import backend

# Eight make a call's own cost small beside its steps'. Of few numbers, for each has its graphs.
_CHOICES = (8, 4, 2, 1)
_OF_BATCHES = (
    "on_batch_begin",
    "on_batch_end",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_test_batch_begin",
    "on_test_batch_end",
)


class Executions:
    """What `Fitting` knows of Keras' `steps_per_execution`.

    A call of a compiled function costs milliseconds, as much as a step of a small dense flow takes.
    Unless `compile` was told how many steps a call runs, `fit` chooses it: the steps are the same,
    in the same order, and nothing that looks at single ones may be there. What callbacks call
    within `fit` (`evaluate`, `predict`) runs as it would outside.
    """

    _steps_given = None

    def _give_steps(self, steps):
        """Keeps what `compile` was told."""
        self._steps_given = steps
        self._forget_functions()

    def _forget_functions(self):
        """Training and the rest are traced anew."""
        self.__dict__["_kept_functions"] = {}
        self.train_function = self.test_function = self.predict_function = None

    def make_train_function(self, force=False):
        """As Keras'; where it is forced, for all numbers of steps."""
        if force:
            self.__dict__["_kept_functions"] = {}
        return super().make_train_function(force)

    def make_test_function(self, force=False):
        """As Keras'; where it is forced, for all numbers of steps."""
        if force:
            self.__dict__["_kept_functions"] = {}
        return super().make_test_function(force)

    def predict(self, *args, **kwargs):
        """As `keras.Model.predict`."""
        with self._executing(self._told_steps()):
            return super().predict(*args, **kwargs)

    def _told_steps(self):
        return 1 if self._steps_given is None else self._steps_given

    def _choose_steps(self, x, y, args, kwargs, callbacks):
        """How many training steps a call runs in a `fit` with these arguments."""
        if self._steps_given is not None or not self.compiled:
            return self.steps_per_execution
        whole = backend.NAME == "tensorflow" and self.jit_compile and not self.run_eagerly
        alone = getattr(self, "_distribute_strategy", None) is None
        if not (whole and alone) or looks_at_batches(callbacks):
            return 1
        given = inspect.signature(keras.Model.fit).bind_partial(self, x, y, *args, **kwargs)
        given = given.arguments
        # Keras would round these up to whole calls.
        wanted = [given.get("steps_per_epoch"), given.get("validation_steps")]
        wanted.append(keras.config.max_steps_per_epoch())
        if given.get("verbose", "auto") not in (0, "0"):
            # A bar would run past its end.
            wanted.append(_batches(x, given))
        wanted = [n for n in wanted if n is not None]
        return next((n for n in _CHOICES if all(w % n == 0 for w in wanted)), 1)

    @contextlib.contextmanager
    def _executing(self, steps):
        """Within, a call runs this many steps; what was traced for as many is used again."""
        before = self.steps_per_execution
        if steps == before:
            yield
            return
        kept = self.__dict__.setdefault("_kept_functions", {})
        self._exchange(kept, steps)
        try:
            yield
        finally:
            if self.__dict__["_kept_functions"] is kept:
                self._exchange(kept, before)
            else:  # Compiled anew within.
                self.steps_per_execution = self._told_steps()
                self._forget_functions()

    def _exchange(self, kept, steps):
        functions = self.train_function, self.test_function, self.predict_function
        kept[self.steps_per_execution] = functions
        self.steps_per_execution = steps
        functions = kept.pop(steps, (None, None, None))
        self.train_function, self.test_function, self.predict_function = functions


def looks_at_batches(callbacks):
    """Whether any of these callbacks does something at single batches."""
    if callbacks is None:
        return False
    if isinstance(callbacks, keras.callbacks.CallbackList):
        callbacks = callbacks.callbacks
    callbacks = callbacks if isinstance(callbacks, list | tuple) else [callbacks]
    return any(_looks(callback) for callback in callbacks)


def _looks(callback):
    own, base = type(callback), keras.callbacks.Callback
    if own.__module__.startswith("keras."):
        # Keras' own that save or write have the methods, and use them if told to.
        often = getattr(callback, "save_freq", getattr(callback, "update_freq", None))
        traces = getattr(callback, "_should_trace", False)
        if often == "epoch" and not (traces or getattr(callback, "write_steps_per_second", False)):
            return False
    return any(
        name in vars(callback) or getattr(own, name, None) is not getattr(base, name)
        for name in _OF_BATCHES
    )


def _batches(x, given):
    """Number of batches of an epoch: 1 where it is not known."""
    if given.get("steps_per_epoch") is not None:
        return given["steps_per_epoch"]
    if given.get("validation_split"):
        return 1
    if callable(getattr(x, "cardinality", None)):
        return max(int(x.cardinality()), 1)
    if hasattr(x, "shape") and len(x.shape):
        return max(math.ceil(x.shape[0] / (given.get("batch_size") or 32)), 1)
    return 1
