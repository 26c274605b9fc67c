"""A file as torch.save writes it, without torch: Python's own pickler, and names that look like torch's."""

import collections
import pickle
import sys
import types
import zipfile


def _stand_in(module, name, make):
    """Something that pickles as module.name."""
    one = make()
    one.__module__, one.__qualname__, one.__name__ = module, name, name
    owner = sys.modules.setdefault(module, types.ModuleType(module))
    setattr(owner, name, one)
    return one


class _Storage:
    def __init__(self, number, values):
        self.number, self.values = number, values


class _Tensor:
    def __init__(self, storage, shape, rebuild):
        self.storage, self.shape, self.rebuild = storage, shape, rebuild

    def __reduce__(self):
        strides, step = [], 1
        for size in reversed(self.shape):
            strides.insert(0, step)
            step *= size
        return self.rebuild, (self.storage, 0, tuple(self.shape), tuple(strides), False, collections.OrderedDict())


def write_torch_file(file, tensors):
    """tensors: name -> (shape, bytes of float32)."""
    if "torch" in sys.modules:
        raise RuntimeError("torch is here: let it save its own files")
    rebuild = _stand_in("torch._utils", "_rebuild_tensor_v2", lambda: (lambda *_: None))
    kind = _stand_in("torch", "FloatStorage", lambda: type("FloatStorage", (), {}))

    class Pickler(pickle.Pickler):
        def persistent_id(self, one):
            if isinstance(one, _Storage):
                return "storage", kind, str(one.number), "cpu", one.values
            return None

    state = collections.OrderedDict()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for number, (name, (shape, data)) in enumerate(tensors.items()):
            archive.writestr(f"archive/data/{number}", data)
            state[name] = _Tensor(_Storage(number, len(data) // 4), shape, rebuild)
        with archive.open("archive/data.pkl", "w") as out:
            Pickler(out, 2).dump(state)
        archive.writestr("archive/version", "3\n")
    for name in ("torch", "torch._utils"):
        del sys.modules[name]
