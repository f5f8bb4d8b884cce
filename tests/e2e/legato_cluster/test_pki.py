import datetime as dt

import msgspec
from cryptography import x509

from legato_cluster import pki


def test_a_servers_certificate_is_of_its_authority_and_names_its_address() -> None:
    authority = pki.Authority()

    server = x509.load_pem_x509_certificate(
        authority.issue("api", addresses=["127.0.0.1"]).certificate
    )

    server.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.certificate))
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(one) for one in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert server.not_valid_after_utc > dt.datetime.now(dt.UTC)


def test_a_kubeconfig_names_its_server() -> None:
    authority = pki.Authority()

    written = pki.kubeconfig("https://127.0.0.1:1", authority, authority.issue("admin"))

    read = msgspec.json.decode(written)
    assert read["clusters"][0]["cluster"]["server"] == "https://127.0.0.1:1"
    assert read["current-context"] == read["contexts"][0]["name"]
