"""Expressions of models: a subset of CEL, and of FEEL and JUEL as two further spellings.

No expression reaches anything but variables, the functions of its spelling, and the time: no attribute of an object, no
file. Its text, and what an evaluation costs, are bounded (`limits.py`).

    text ─► spelling.py ─► grammar.py (*.lark), a builder ─► tree.py ─► evaluator.py, rules ─► Program
"""

from app.expr.failures import CompileError as CompileError
from app.expr.failures import EvaluationError as EvaluationError
from app.expr.program import Dialect as Dialect
from app.expr.program import Program as Program
from app.expr.results import as_cardinality as as_cardinality
from app.expr.results import as_collection as as_collection
from app.expr.results import as_condition as as_condition
from app.expr.results import as_key as as_key
from app.expr.results import as_text as as_text
from app.expr.results import as_timer as as_timer
from app.expr.results import as_timer_text as as_timer_text
from app.expr.spelling import compile_expression as compile_expression
from app.expr.spelling import compile_text as compile_text
from app.expr.spelling import constant as constant
from app.expr.values import MISSING as MISSING
from app.expr.values import Lookup as Lookup
from app.expr.values import Missing as Missing
from app.expr.values import Value as Value
from app.expr.values import stored as stored
