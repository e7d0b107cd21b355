"""What TensorFlow's profiler sees of a call: its events, and the memory of its tensors."""

import tempfile
from pathlib import Path

ALLOCATION, DEALLOCATION = "MemoryAllocation", "MemoryDeallocation"


def events(call, level=2):
    """Runs a call under the profiler.

    Args:
      call: Function without arguments.
      level: The profiler's, of what the host does: 2 has operations and memory, 3 all.

    Returns:
      A list of `(name, start, duration, values)`, times in picoseconds; the last is a dictionary of
      the event's own values.
    """
    import tensorflow as tf
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    space = xplane_pb2.XSpace()
    options = tf.profiler.experimental.ProfilerOptions(host_tracer_level=level)
    with tempfile.TemporaryDirectory() as folder:
        with tf.profiler.experimental.Profile(folder, options):
            call()
        for path in Path(folder).rglob("*.xplane.pb"):
            space.MergeFromString(path.read_bytes())
    found = []
    for plane in space.planes:
        for line in plane.lines:
            for event in line.events:
                name = plane.event_metadata[event.metadata_id].name
                start = 1000 * line.timestamp_ns + event.offset_ps
                values = {
                    plane.stat_metadata[s.metadata_id].name: getattr(s, s.WhichOneof("value"))
                    for s in event.stats
                }
                found.append((name, start, event.duration_ps, values))
    return found


def tensors_mib(found):
    """The most memory that tensors made during a call take at once, MiB.

    It counts the bytes that were asked for, so that neither what an allocator adds to them nor what
    it keeps for later has a part in it. What the call found in memory is not counted.

    Args:
      found: What `events` returns.

    Raises:
      RuntimeError: TensorFlow does not tell of its memory. On a CPU it does where it keeps that of
        freed tensors, which `import zoo` makes it do unless the environment says otherwise.
    """
    changes = [e for e in found if e[0] in (ALLOCATION, DEALLOCATION)]
    if not any(name == ALLOCATION for name, *_ in changes):
        raise RuntimeError(
            "the profiler tells of no tensor's memory; expected TF_CPU_ALLOCATOR_USE_BFC=true, "
            "before TensorFlow's first operation: do not set it to false"
        )
    held, total, peak = {}, 0, 0
    for name, _, _, values in sorted(changes, key=lambda e: e[1]):
        if name == ALLOCATION:
            held[values["addr"]] = values["requested_bytes"]
            total += values["requested_bytes"]
        else:
            # What is older than the call is not among them.
            total -= held.pop(values["addr"], 0)
        peak = max(peak, total)
    return peak / 2**20
