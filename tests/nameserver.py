"""A name server on the loopback, for one zone of everything: what is not in it does not exist, what is `TROUBLE` is SERVFAIL."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

TROUBLE = "SERVFAIL"
Zone = Mapping[tuple[str, str], tuple[str, ...] | str]  # ("example.com", "MX"): ("10 mail.example.com.",)


def text(words: str) -> str:
    """A TXT record as a zone file has it: in strings of 255 octets at most."""
    return " ".join(f'"{words[at : at + 250]}"' for at in range(0, len(words), 250)) or '""'


@contextmanager
def serving(zone: Zone) -> Iterator[str]:
    """Answers over UDP while the block runs; yields its address:port. The zone may change meanwhile."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=_serve, args=(door, zone), daemon=True)
        thread.start()
        host, port = door.getsockname()
        try:
            yield f"{host}:{port}"
        finally:
            door.sendto(b"", (host, port))  # an empty datagram ends it
            thread.join(5)


def _serve(door: socket.socket, zone: Zone) -> None:
    while True:
        asked, client = door.recvfrom(4096)
        if not asked:
            return
        try:
            answer = _answer(dns.message.from_wire(asked), zone)
        except dns.exception.DNSException:
            continue
        door.sendto(answer.to_wire(max_size=65535), client)


def _answer(query: dns.message.Message, zone: Zone) -> dns.message.Message:
    answer = dns.message.make_response(query)
    answer.flags |= dns.flags.RA
    question = query.question[0]
    name = question.name.to_text(omit_final_dot=True).lower()
    records = zone.get((name, dns.rdatatype.to_text(question.rdtype)))
    if records == TROUBLE:
        answer.set_rcode(dns.rcode.SERVFAIL)
    elif records:
        assert not isinstance(records, str)
        answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", question.rdtype, *records))
    elif not any(known == name for known, _ in zone):
        answer.set_rcode(dns.rcode.NXDOMAIN)
    return answer
