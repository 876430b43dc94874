"""A server of HolmesGPT's wire format (that of 0.45, and of servers from before `/api/chat`) on loopback."""

from __future__ import annotations

import json

from kubernaut.domain.objects import Json, JsonObject
from tests.integration.models.misbehaving import Answer, http


def chat(analysis: Json, *read: str, history: list[Json] | None = None, **metadata: Json) -> Answer:
    """A reply of `/api/chat`; `read` is what its tools brought."""
    calls: list[Json] = [
        {
            "tool_call_id": f"call-{number}",
            "tool_name": "kubectl_logs",
            "description": "kubectl logs checkout-1",
            "result": {"schema_version": "robusta:v1.0.0", "status": "success", "data": text, "params": {}},
        }
        for number, text in enumerate(read)
    ]
    body: JsonObject = {
        "analysis": analysis if isinstance(analysis, str) else json.dumps(analysis),
        "conversation_history": [{"role": "system", "content": "You are a tool-calling AI assist."}]
        if history is None
        else history,
        "tool_calls": calls,
        "follow_up_actions": [{"id": "logs", "action_label": "Logs", "prompt": "Show me the logs"}],
        "pending_approvals": None,
        "metadata": {"max_tokens": 128000, **metadata},
    }
    return http(200, json.dumps(body).encode())


def investigation(analysis: str, *read: str) -> Answer:
    """A reply of the older `/api/investigate`, which has no history and no schema."""
    calls: list[Json] = [
        {"tool_call_id": "1", "tool_name": "kubectl_logs", "description": "logs", "result": {"logs": text}}
        for text in read
    ]
    body: JsonObject = {
        "analysis": analysis,
        "sections": {"Key Findings": "none", "Next Steps": None},
        "tool_calls": calls,
        "instructions": [],
    }
    return http(200, json.dumps(body).encode())


COSTS: JsonObject = {
    "total_cost": 0.0123, "total_tokens": 2650, "prompt_tokens": 2500, "completion_tokens": 150, "num_compactions": 0,
}  # fmt: skip
USAGE: JsonObject = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
