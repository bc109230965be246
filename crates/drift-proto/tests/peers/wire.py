# Packages on the wire, by hand; behind packages.py.

class Fault(Exception):
    pass


def varint(data, pos):
    """Up to ten bytes; bits beyond 64 are dropped."""
    value = 0
    for shift in range(0, 70, 7):
        if pos >= len(data):
            raise Fault("end")
        value |= (data[pos] & 0x7F) << shift
        pos += 1
        if not data[pos - 1] & 0x80:
            return value & (2**64 - 1), pos
    raise Fault("varint")


def encode(value, pad=0):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    for _ in range(min(pad, 10 - len(out))):
        out[-1] |= 0x80
        out.append(0)
    return bytes(out)


def skip(data, pos):
    """A field: its number, its wire type, where its value begins, and where it ends."""
    tag, pos = varint(data, pos)
    number, kind, start = tag >> 3, tag & 7, pos
    if not 0 < number < 2**29:
        raise Fault("number")
    if kind == 0:
        pos = varint(data, pos)[1]
    elif kind in (1, 5):
        pos += 8 if kind == 1 else 4
    elif kind == 2:
        size, pos = varint(data, pos)
        pos += size
    elif kind == 3:
        while True:
            inner, kind_of_inner, _, pos = skip(data, pos)
            if kind_of_inner == 4:
                if inner != number:
                    raise Fault("group")
                break
    elif kind != 4:
        raise Fault("wire type")
    if pos > len(data):
        raise Fault("end")
    return number, kind, start, pos


def fields(data):
    pos, out = 0, []
    while pos < len(data):
        number, kind, start, pos = skip(data, pos)
        if kind == 4:
            raise Fault("end of group")
        out.append((number, kind, data[start:pos]))
    return out


def delimited(data):
    return encode(len(data)) + data


def inner(value):
    return value[varint(value, 0)[1]:]


def message_of(descriptor, number, kind):
    field = descriptor.fields_by_number.get(number) if descriptor else None
    return field.message_type if field and kind == 2 else None


def join(parts):
    return b"".join(encode(number << 3 | kind) + value for number, kind, value in parts)


def minimal(data, descriptor):
    """The same with tags of as few bytes as they need, without which this runtime does not know them."""
    out = []
    for number, kind, value in fields(data):
        message = message_of(descriptor, number, kind)
        out.append((number, kind, delimited(minimal(inner(value), message)) if message else value))
    return join(out)


def by_the_book(message, data):
    return message.FromString(minimal(data, message.DESCRIPTOR))


def outcome(message, data, parse):
    try:
        found = parse(message, data)
    except Exception as error:
        return None, error
    return found, None


def why(message, data):
    """Why this runtime takes it otherwise than protobuf is; `None`, if it does not."""
    plain, _ = outcome(message, data, from_string)
    book, error = outcome(message, data, by_the_book)
    again = lambda found: None if found is None else found.SerializeToString()
    if again(plain) == again(book):
        for part in book.data if book is not None and message is DriftPackage else []:
            for kind, _ in KINDS.values():
                found = why(kind, part.value) if part.Is(kind.DESCRIPTOR) else None
                if found:
                    return found
        return None
    return "tag" if error is None else str(error)


def read(request):
    """What packages say; `None` of those that are refused."""
    out = []
    for told in request["packages"]:
        data = bytes.fromhex(told)
        found, _ = outcome(DriftPackage, data, by_the_book)
        out.append({"why": why(DriftPackage, data), "told": None if found is None else describe(found, by_the_book)})
    return {"packages": out}


def same(request):
    """Two written again, which says all of them, with what is not known."""
    again = lambda told: by_the_book(DriftPackage, bytes.fromhex(told)).SerializeToString().hex()
    return {"packages": [[again(one), again(other)] for one, other in request["pairs"]]}


def unknown(rng, depth=2):
    """A field that is not known: another number, or a group of any."""
    number = rng.choice([9, 18, 99, 2047, 2048, 2**29 - 1])
    kind = rng.choice([0, 1, 2, 3, 5] if depth else [0, 2])
    value = {0: lambda: encode(rng.getrandbits(64), rng.randrange(3)), 1: lambda: rng.randbytes(8), 5: lambda: rng.randbytes(4),
             2: lambda: delimited(rng.randbytes(rng.choice([0, 3, 130]))),
             3: lambda: join(unknown(rng, depth - 1) for _ in range(rng.randrange(3))) + encode(number << 3 | 4)}[kind]()
    return number, kind, value


def scrambled(rng, data, descriptor):
    """The same fields in another order, some twice, in pieces, with numbers longer than they need, and with fields that are not known."""
    out = []
    for number, kind, value in fields(data):
        field = descriptor.fields_by_number[number]
        if field.message_type:
            pieces = [fields(inner(value))]
            if field.label != field.LABEL_REPEATED and rng.random() < 0.5:
                cut = rng.randrange(len(pieces[0]) + 1)
                pieces = [pieces[0][:cut], pieces[0][cut:]]
            for piece in pieces:
                made = scrambled(rng, join(piece), field.message_type)
                out.append((number, kind, encode(len(made), rng.choice([0, 0, 2])) + made))
        elif kind == 0:
            if rng.random() < 0.3:
                out.append((number, 0, encode(rng.getrandbits(rng.choice([3, 32, 64])))))
            out.append((number, 0, encode(varint(value, 0)[0], rng.choice([0, 0, 1, 9]))))
        else:
            if rng.random() < 0.2:
                out.append((number, kind, value))
                value = delimited(b"stale") if kind == 2 else rng.choice([value, bytes(4)])
            out.append((number, kind, value))
    if descriptor.full_name.endswith(("MetaInfo", "WaveletBufferInfo")) and rng.random() < 0.3:
        # Another member of a choice, or a piece of the same.
        numbers = [2, 3, 4, 5, 6, 8] if descriptor.name == "MetaInfo" else [15, 16, 17]
        out.extend((rng.choice(numbers), 2, delimited(b"")) for _ in range(rng.randrange(1, 3)))
    if rng.random() < 0.4:
        out.append(unknown(rng))
    if descriptor.fields and rng.random() < 0.1:
        # A known number with another wire type.
        number = rng.choice(list(descriptor.fields_by_number))
        out.append((number, 1, rng.randbytes(8)))
    if rng.random() < 0.6:
        rng.shuffle(out)
    return join(out)


def scramble(request):
    rng, out = random.Random(request["seed"]), []
    for _ in range(request["count"]):
        package = build(any_package(rng))
        for part in package.data:
            for kind, _ in KINDS.values():
                if part.Is(kind.DESCRIPTOR) and rng.random() < 0.5:
                    part.value = scrambled(rng, part.value, kind.DESCRIPTOR)
        out.append(scrambled(rng, package.SerializeToString(), DriftPackage.DESCRIPTOR).hex())
    return {"packages": out}


serve({"batch": batch, "write": write, "read": read, "same": same, "scramble": scramble})
