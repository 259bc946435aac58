"""Settings of the site: safe for others, or only for this machine; secrets are never shown."""

import logging
import stat
import threading

import pytest

from unicare.core.errors import OutputError, SettingsError
from unicare.web.settings import is_local, load_settings

KEY = "uN3-pV0_qk8TzrYw2Hs7LdJfBxMgEoCa5i9n"
OPEN = {"host": "0.0.0.0", "base_url": "https://challenge.test", "secret_key": KEY}


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch):
    import os

    for name in [name for name in os.environ if name.startswith("UNICARE_")]:
        monkeypatch.delenv(name)


def test_a_local_site_needs_nothing(tmp_path):
    settings = load_settings(tmp_path / "site")
    assert settings.local
    assert settings.base_url == "http://127.0.0.1:8000"
    assert settings.database_url.get_secret_value() == f"sqlite:///{tmp_path}/site/site.sqlite"
    assert settings.storage_url.get_secret_value() == f"{tmp_path}/site/storage"


def test_the_key_of_a_local_site_is_kept_for_its_owner_only(tmp_path):
    first = load_settings(tmp_path).secret_key.get_secret_value()
    assert len(first) >= 32
    assert load_settings(tmp_path).secret_key.get_secret_value() == first
    assert stat.S_IMODE((tmp_path / "secret.key").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret.key"]


def test_processes_that_start_at_once_share_a_key(tmp_path):
    keys = []
    threads = [
        threading.Thread(target=lambda: keys.append(load_settings(tmp_path).secret_key.get_secret_value()))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(keys) == 8
    assert len(set(keys)) == 1


def test_a_key_that_others_can_read_is_refused(tmp_path):
    load_settings(tmp_path)
    (tmp_path / "secret.key").chmod(0o644)
    with pytest.raises(SettingsError, match="others can read"):
        load_settings(tmp_path)


def test_the_environment_wins_over_the_file_and_the_command_line_over_both(tmp_path, monkeypatch):
    (tmp_path / "site.env").write_text("UNICARE_PORT=8001\nUNICARE_WORKERS=3\nUNICARE_ATTEMPTS=4\n")
    monkeypatch.setenv("UNICARE_WORKERS", "5")
    monkeypatch.setenv("UNICARE_ATTEMPTS", "6")
    settings = load_settings(tmp_path, attempts=7, host=None)
    assert (settings.port, settings.workers, settings.attempts) == (8001, 5, 7)
    assert settings.base_url == "http://127.0.0.1:8001"


def test_variables_of_other_parts_of_unicare_do_no_harm(tmp_path, monkeypatch):
    monkeypatch.setenv("UNICARE_SOMETHING_ELSE", "1")
    load_settings(tmp_path)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("UNICARE_PORT=many", "port"),
        ("UNICARE_WORKER=2", "worker"),
        ("UNICARE_BASE_URL=challenge.test", "base_url"),
        ("UNICARE_BASE_URL=https://challenge.test/care", "base_url"),
        ("UNICARE_SMTP_URL=mail.test", "smtp_url"),
        ("UNICARE_CONTAINER_ENGINE=rkt", "container_engine"),
    ],
)
def test_what_is_wrong_in_the_file_is_named(tmp_path, line, told):
    (tmp_path / "site.env").write_text(line + "\n")
    with pytest.raises(SettingsError, match=told):
        load_settings(tmp_path)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.7", "challenge.test"])
def test_outside_localhost_a_site_without_a_key_does_not_start(tmp_path, host):
    with pytest.raises(SettingsError, match="needs a secret key"):
        load_settings(tmp_path, host=host, base_url="https://challenge.test")
    assert not (tmp_path / "secret.key").exists()


def test_behind_a_proxy_a_site_without_a_key_does_not_start(tmp_path):
    with pytest.raises(SettingsError, match="needs a secret key"):
        load_settings(tmp_path, base_url="https://challenge.test")


def test_with_a_key_of_its_own_and_tls_it_starts(tmp_path):
    settings = load_settings(tmp_path, **OPEN)
    assert not settings.local
    assert settings.secure


def test_the_key_of_a_local_site_is_good_outside(tmp_path):
    kept = load_settings(tmp_path).secret_key
    assert load_settings(tmp_path, **{**OPEN, "secret_key": None}).secret_key == kept


@pytest.mark.parametrize(
    "key", ["secret", "change-me-change-me-change-me-change-me", "x" * 40, "ab" * 20, KEY[:31]]
)
@pytest.mark.parametrize("more", [{}, OPEN], ids=["local", "open"])
def test_keys_that_can_be_guessed_are_refused_everywhere(tmp_path, key, more):
    with pytest.raises(SettingsError, match="can be guessed") as told:
        load_settings(tmp_path, **{**more, "secret_key": key})
    assert len(key) < 10 or key not in str(told.value)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"base_url": "http://challenge.test"}, "needs TLS"),
        ({"base_url": None}, "needs TLS"),
        ({"database_url": "postgresql://unicare:postgres@db/unicare"}, "database_url"),
        ({"smtp_url": "smtp://site:changeme@mail.test:587"}, "smtp_url"),
    ],
)
def test_outside_localhost_weak_settings_are_refused(tmp_path, changed, told):
    with pytest.raises(SettingsError, match=told):
        load_settings(tmp_path, **{**OPEN, **changed})


def test_http_can_be_insisted_on(tmp_path):
    assert not load_settings(tmp_path, **{**OPEN, "base_url": "http://lan.test", "allow_http": True}).secure


def test_secrets_are_never_shown(tmp_path, caplog):
    settings = load_settings(
        tmp_path,
        secret_key=KEY,
        database_url="postgresql://unicare:hush-1@db/unicare",
        smtp_url="smtp://site:hush-2@mail.test",
        storage_url="s3://key:hush-3@bucket",
    )
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("test").info("%s %r %s", settings, settings, settings.model_dump())
    shown = caplog.text + settings.model_dump_json()
    assert KEY not in shown
    assert "hush" not in shown


def test_a_wrong_setting_is_told_without_the_secrets_beside_it(tmp_path):
    with pytest.raises(SettingsError) as told:
        load_settings(tmp_path, port="many", secret_key=KEY, smtp_url="hush")
    assert KEY not in str(told.value)
    assert "hush" not in str(told.value)


def test_a_folder_that_is_none_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="site's folder"):
        load_settings(tmp_path / "file")


@pytest.mark.parametrize(
    ("host", "local"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("localhost.evil.test", False),
        ("", False),
    ],
)
def test_local_is_what_only_this_machine_reaches(host, local):
    assert is_local(host) is local
