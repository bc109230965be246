# Typed data of packages, as the Python client reads it; behind drift_bytes.py.
from drift_protocol.common import DataPayload, DriftPackage
from drift_protocol.meta import MetaInfo


def as_typed_data(package):
    if package.status:
        raise RuntimeError("bad package")
    raw = None
    for part in package.data:
        payload = DataPayload()
        if part.Is(DataPayload.DESCRIPTOR) and part.Unpack(payload):
            raw = payload.data
    if package.meta.type != MetaInfo.TYPED_DATA:
        raise RuntimeError("other type")
    buffer, found = drift_bytes.InputBuffer(raw), {}
    for item in package.meta.typed_data_info.items:
        one = buffer.pop()
        found[item.name] = None if item.status else (one.type, one.value)
    return found


def shown(one):
    if one is None or one[0] == "none":
        return None
    kind, value = one
    return [kind, [told_of(kind, each) for each in value] if isinstance(value, list) else told_of(kind, value)]


def read_typed(request):
    out = []
    for told in request["packages"]:
        try:
            out.append({name: shown(one) for name, one in as_typed_data(DriftPackage.FromString(bytes.fromhex(told))).items()})
        except Exception:
            out.append(None)
    return {"packages": out}


def write_typed(request):
    out = []
    for told in request["packages"]:
        package = DriftPackage(id=int(told["id"]))
        package.meta.type = MetaInfo.TYPED_DATA
        package.meta.typed_data_info.SetInParent()
        for name, status, _ in told["items"]:
            package.meta.typed_data_info.items.add(name=name, status=status)
        package.data.add().Pack(DataPayload(data=bytes.fromhex(written([item for _, _, item in told["items"]]))))
        out.append(package.SerializeToString().hex())
    return {"packages": out}


serve({"batch": batch, "other_order": other_order, "write": write, "read": read, "values": values, "read_typed": read_typed,
       "write_typed": write_typed})
