"""Registered tasks and the functions that they name."""

from __future__ import annotations

import inspect
import subprocess
import sys
from dataclasses import MISSING, fields
from typing import TYPE_CHECKING, Any

import pytest

from napari_stem_defects.jobs import read_tasks, registry, tasks
from napari_stem_defects.jobs.registry import TASKS
from napari_stem_defects.workers.messages import Task, resolve

if TYPE_CHECKING:
    from dataclasses import Field

EACH_TASK = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.entry_point)
NEEDS_TORCH = {"detect", "load_torch", "suggest_labels", "train", "import_model", "choose_model"}


def parameters(task: Task[Any, Any]) -> dict[str, inspect.Parameter]:
    return dict(inspect.signature(resolve(task.entry_point)).parameters)


def default(field: Field[Any]) -> object:
    return inspect.Parameter.empty if field.default is MISSING else field.default


@EACH_TASK
def test_arguments_are_the_keywords_of_the_function(task: Task[Any, Any]) -> None:
    keywords = parameters(task)
    report = keywords.pop("report")
    assert report.default is inspect.Parameter.empty
    assert all(each.kind is each.KEYWORD_ONLY for each in keywords.values())
    assert {each.name: default(each) for each in fields(task.arguments)} == {
        name: each.default for name, each in keywords.items()
    }


@EACH_TASK
def test_arguments_have_the_types_of_the_function(task: Task[Any, Any]) -> None:
    annotations = {name: each.annotation for name, each in parameters(task).items()}
    del annotations["report"]
    assert {each.name: each.type for each in fields(task.arguments)} == annotations


@EACH_TASK
def test_arguments_are_immutable(task: Task[Any, Any]) -> None:
    assert task.arguments.__dataclass_params__.frozen


@EACH_TASK
def test_only_the_long_worker_loads_torch(task: Task[Any, Any]) -> None:
    name = task.entry_point.partition(":")[2]
    assert task.worker == ("long" if name in NEEDS_TORCH else "quick")


def test_every_task_function_is_registered_once() -> None:
    functions = [
        f"{module.__name__}:{name}"
        for module in (tasks, read_tasks)
        for name, each in inspect.getmembers(module, inspect.isfunction)
        if each.__module__ == module.__name__ and not name.startswith("_")
    ]
    assert sorted(task.entry_point for task in TASKS) == sorted(functions)


def test_all_constants_are_listed() -> None:
    constants = [each for each in vars(registry).values() if isinstance(each, Task)]
    assert sorted(map(repr, constants)) == sorted(map(repr, TASKS))


def test_importing_the_registry_loads_no_heavy_library() -> None:
    code = (
        "import sys, napari_stem_defects.jobs.registry;"
        "print(*{'torch', 'scipy', 'skimage', 'qtpy', 'napari'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == ""
