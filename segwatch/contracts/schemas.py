"""JSON Schemas (2020-12) and the AsyncAPI page, made from the types of this folder."""

import json
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel

from segwatch.contracts.audit import AuditLine
from segwatch.contracts.base import LEAVES
from segwatch.contracts.envelope import TYPES
from segwatch.contracts.intake import IntakeRules
from segwatch.contracts.policy import SitePolicy
from segwatch.contracts.topics import (
    FOREVER,
    ONE_PARTITION,
    WITH_DEAD_LETTERS,
    dead_letters,
)

POLICY_FILE = "site.policy.v1.json"
INTAKE_FILE = "site.intake.v1.json"
AUDIT_FILE = "site.audit.v1.json"
ASYNCAPI_FILE = "asyncapi.yaml"


def schema_of(contract: type[BaseModel], name: str) -> dict[str, Any]:
    """The JSON Schema of a type: closed, each field marked whether it may leave the hospital."""
    schema = contract.model_json_schema(mode="validation")
    _mark(schema)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": f"urn:{name}", **schema}


def _mark(node: Any) -> None:  # noqa: ANN401 - any JSON value
    if isinstance(node, dict):
        for field in node.get("properties", {}).values():
            field.setdefault(LEAVES, False)
        node.pop("title", None) if isinstance(node.get("title"), str) else None
        for child in node.values():
            _mark(child)
    elif isinstance(node, list):
        for child in node:
            _mark(child)


def file_of(topic: str) -> str:
    """The schema file of a topic.

    Examples:
        >>> file_of("segwatch.study.received.v1")
        'study.received.v1.json'
    """
    return f"{topic.removeprefix('segwatch.')}.json"


def all_files() -> dict[str, str]:
    """Every file of `schemas/` with its content."""
    files = {file_of(topic): _json(schema_of(contract, topic)) for topic, contract in TYPES.items()}
    files[POLICY_FILE] = _json(schema_of(SitePolicy, "segwatch.site.policy.v1"))
    files[INTAKE_FILE] = _json(schema_of(IntakeRules, "segwatch.site.intake.v1"))
    files[AUDIT_FILE] = _json(schema_of(AuditLine, "segwatch.site.audit.v1"))
    files[ASYNCAPI_FILE] = yaml.safe_dump(_asyncapi(), sort_keys=False, allow_unicode=True, width=110)
    return files


def write_all(folder: Path) -> list[str]:
    """Write every schema; the names of those that were not current."""
    changed = [name for name, text in all_files().items() if not _is(folder / name, text)]
    folder.mkdir(parents=True, exist_ok=True)
    for name in changed:
        (folder / name).write_text(all_files()[name], encoding="utf-8")
    return changed


def stale(folder: Path) -> list[str]:
    """The names of schema files that are missing or are not what the types say."""
    return [name for name, text in all_files().items() if not _is(folder / name, text)]


def _is(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


def _json(schema: dict[str, Any]) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _asyncapi() -> dict[str, Any]:
    channels = {}
    for topic, contract in TYPES.items():
        channels[topic] = {
            "address": topic,
            "description": (contract.__doc__ or "").strip().splitlines()[0],
            "messages": {"record": {"$ref": f"#/components/messages/{contract.__name__}"}},
            "bindings": {
                "kafka": {
                    **({"partitions": 1} if topic in ONE_PARTITION else {}),
                    **({"topicConfiguration": {"retention.ms": -1}} if topic in FOREVER else {}),
                }
            },
            **({"x-dead-letters": dead_letters(topic)} if topic in WITH_DEAD_LETTERS else {}),
        }
    messages = {
        contract.__name__: {
            "name": topic,
            "contentType": "application/json",
            "description": "CloudEvents 1.0, Kafka binary mode. Keyed by study, or by block.",
            "payload": {"$ref": f"./{file_of(topic)}"},
        }
        for topic, contract in TYPES.items()
    }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "segwatch",
            "version": "1",
            "description": "What the services say to each other. Only segwatch.site.release.v1 leaves.",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "components": {"messages": messages},
    }
