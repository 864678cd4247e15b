"""What a site's own YAML file says: read so that nothing in it is hidden."""

from collections.abc import Hashable
from typing import Any

import yaml


def fields_of(text: str) -> Any:  # noqa: ANN401 - whatever the file says
    """The content of a YAML file that must name each key once.

    Raises:
        yaml.YAMLError: it is not YAML, or names a key twice.
    """
    return yaml.load(text, Loader=_EachKeyOnce)  # noqa: S506 - a SafeLoader that is stricter


class _EachKeyOnce(yaml.SafeLoader):
    """YAML lets a later key silently win, which would hide what is in force."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        names = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = sorted({str(name) for name in names if names.count(name) > 1})
        if twice:
            raise yaml.YAMLError(f"{', '.join(twice)} stands there twice")
        return super().construct_mapping(node, deep=deep)
