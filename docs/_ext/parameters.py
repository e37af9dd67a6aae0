"""Directives that split the description of a function, so that its parameters stand by subject.

Both take their texts from the docstring and the signature:

    .. opening:: wirespeed.connect

    .. parameters:: wirespeed.connect
       :names: ping_interval ping_timeout

The first describes the function without its parameters, the second some of its parameters.
"""

from __future__ import annotations

import importlib
import inspect
import re
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from signatures import readable
from sphinx.ext.napoleon import GoogleDocstring
from sphinx.util.docutils import SphinxDirective

SECTION = re.compile(r"^Args:\n(.*?)(?=^\S|\Z)", re.MULTILINE | re.DOTALL)
ENTRY = re.compile(r"^ {4}(\w+): (.*?)(?=^ {4}\w|\Z)", re.MULTILINE | re.DOTALL)


def described(function: Any) -> dict[str, str]:
    """Return the text for each parameter in a docstring in Google's style."""
    section = SECTION.search(inspect.getdoc(function) or "")
    if section is None:
        raise ValueError("the docstring has no section Args")
    return {name: " ".join(text.split()) for name, text in ENTRY.findall(section[1])}


class Opening(SphinxDirective):
    """Describes a function without its parameters."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the description."""
        module, _, name = self.arguments[0].rpartition(".")
        function = getattr(importlib.import_module(module), name)
        text = SECTION.sub("", inspect.getdoc(function) or "")
        described = GoogleDocstring(text, self.config, self.env.app, what="function").lines()
        first = next(iter(inspect.signature(function).parameters))
        lines = [f".. py:function:: {name}({first}, *, ...)", ""]
        lines += [f"   {line}".rstrip() for line in described]
        return self.parse_text_to_nodes("\n".join(lines), allow_section_headings=False)


class Parameters(SphinxDirective):
    """Describes the parameters whose names are given."""

    required_arguments = 1
    option_spec: ClassVar[dict[str, Any]] = {"names": directives.unchanged_required}

    def run(self) -> list[nodes.Node]:
        """Return a definition list."""
        module, _, name = self.arguments[0].rpartition(".")
        function = getattr(importlib.import_module(module), name)
        parameters = inspect.signature(function).parameters
        texts = described(function)
        lines = []
        for own in self.options["names"].split():
            parameter = parameters[own]
            lines += [f"``{own}``{_type(parameter)}", f"   {texts[own]}", ""]
        source = StringList(lines, source=self.arguments[0])
        box = nodes.container(classes=["parameters"])
        self.state.nested_parse(source, self.content_offset, box)
        for item, own in zip(box.findall(nodes.term), self.options["names"].split(), strict=True):
            item["ids"].append(f"{name}-{own.replace('_', '-')}")
        return [box]


def _type(parameter: inspect.Parameter) -> str:
    kind = f" : ``{readable(str(parameter.annotation))}``"
    if parameter.default is inspect.Parameter.empty:
        return kind
    return f"{kind} = ``{_default(parameter.default)}``"


def _default(value: Any) -> str:
    if inspect.isclass(value):
        return value.__name__
    if inspect.isfunction(value):
        return f"{value.__module__.removesuffix('.__init__')}.{value.__name__}"
    return repr(value)


def setup(app: Any) -> dict[str, bool]:
    """Add the directive."""
    app.add_directive("opening", Opening)
    app.add_directive("parameters", Parameters)
    return {"parallel_read_safe": True}
