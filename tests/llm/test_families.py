"""Who is of whose family, by names as providers, files and data sets write them."""

from __future__ import annotations

import pytest

from tamis.llm.families import families, family, same_family

NAMES = {
    "gpt": """gpt-4o gpt-4o-mini-2024-07-18 gpt-5-mini openai/gpt-5.2 o1-preview o3 o4-mini openai/o3-mini chatgpt-4o-latest
        text-davinci-003 gpt-3.5-turbo-0125 gpt-oss-120b openai/gpt-oss-20b ft:gpt-4o-mini-2024-07-18:acme:llama-style:9aBc
        ft:gpt-3.5-turbo-0613:claude-fans::8dEf openrouter/openai/gpt-4.1-nano gpt-4-1106-preview gpt4
        accounts/fireworks/models/gpt-oss-120b openai.gpt-oss-120b-1:0""",
    "claude": """claude-3-5-sonnet-20241022 anthropic/claude-opus-4.1 us.anthropic.claude-sonnet-4-20250514-v1:0
        anthropic.claude-instant-v1 claude-2.1 claude-3-haiku@20240307 eu.anthropic.claude-3-haiku-20240307-v1:0
        claude-haiku-4-5 openrouter/anthropic/claude-sonnet-5""",
    "gemini": "gemini-1.5-pro-002 google/gemini-2.5-flash models/gemini-2.0-flash-exp gemini-3-pro-preview",
    "gemma+gemini": "gemma-2-9b-it google/gemma-3-27b-it gemma3:4b-it-q4_K_M codegemma-7b medgemma-27b-text-it",
    "llama": """meta-llama/Llama-3.3-70B-Instruct-Turbo llama3.2:3b-instruct-q4_K_M Meta-Llama-3-8B-Instruct.Q4_K_M.gguf
        hf.co/bartowski/Llama-3.2-3B-Instruct-GGUF:Q4_K_M accounts/fireworks/models/llama-v3p1-8b-instruct
        us.meta.llama3-2-90b-instruct-v1:0 @cf/meta/llama-3.1-8b-instruct-fp8 codellama/CodeLlama-34b-Instruct-hf
        llama-3.1-8b-instant NousResearch/Hermes-3-Llama-3.1-8B allenai/Llama-3.1-Tulu-3-8B llama-2-70b-chat
        /home/me/models/Llama-3.2-1B-Instruct-Q8_0.gguf C:\\models\\llama-2-7b.Q5_K_S.gguf lmsys/longchat-llama-7b
        Skywork-Reward-Llama-3.1-8B neuralmagic/Meta-Llama-3.1-8B-Instruct-FP8 unsloth/llama-3-8b-bnb-4bit""",
    "llama+gpt": "alpaca-7b vicuna-13b-v1.5 lmsys/vicuna-33b-v1.3 wizardlm-13b WizardLM-70B-V1.0 microsoft/Orca-2-13b PandaLM-7B-v1",
    "mistral": """mistral-large-latest mistralai/Mistral-7B-Instruct-v0.3 open-mixtral-8x22b ministral-8b-2410 codestral-2508
        mistral.mistral-7b-instruct-v0:2 magistral-small-2509 devstral-medium pixtral-12b dolphin-2.6-mistral-7b
        TheBloke/Mistral-7B-Instruct-v0.2-GPTQ mistralai/Voxtral-Small-24B-2507 mistral-nemo:12b""",
    "mistral+gpt": "HuggingFaceH4/zephyr-7b-beta prometheus-eval/prometheus-7b-v2.0 teknium/OpenHermes-2.5-Mistral-7B Starling-LM-7B-alpha",
    "qwen": """Qwen/Qwen2.5-72B-Instruct qwen-max qwen3:30b-a3b QwQ-32B Qwen2.5-Coder-7B-Instruct-AWQ qwen-turbo-latest
        accounts/fireworks/models/qwen3-235b-a22b Qwen/QVQ-72B-Preview AIDC-AI/Marco-o1""",
    "deepseek": "deepseek-chat deepseek-reasoner deepseek-ai/DeepSeek-V3.1 deepseek/deepseek-r1:free accounts/fireworks/models/deepseek-v3 us.deepseek.r1-v1:0",
    "qwen+deepseek": "deepseek-r1-distill-qwen-32b deepseek-ai/DeepSeek-R1-0528-Qwen3-8B DeepSeek-R1-Distill-Qwen-1.5B-Q4_K_M.gguf open-thoughts/OpenThinker-7B",
    "llama+deepseek": "deepseek-r1-distill-llama-8b together/deepseek-ai/DeepSeek-R1-Distill-Llama-70B-free",
    "llama+nemotron": "nvidia/Llama-3.1-Nemotron-70B-Instruct-HF",
    "phi+gpt": "microsoft/phi-4 phi3:mini Phi-3.5-mini-instruct",
    "grok": "grok-4-fast x-ai/grok-3-mini xai/grok-2-1212",
    "command": "command-r-plus-08-2024 command-a-03-2025 cohere.command-r-v1:0 CohereForAI/aya-expanse-8b c4ai-command-r-v01",
    "glm": "glm-4.6 zai-org/GLM-4.5-Air chatglm3-6b THUDM/glm-4-9b-chat",
    "kimi": "kimi-k2-0905-preview moonshotai/Kimi-K2-Instruct moonshot-v1-8k",
    "nova": "amazon.nova-pro-v1:0 us.amazon.nova-micro-v1:0",
    "smollm": "HuggingFaceTB/SmolLM2-135M-Instruct smollm2 local/smollm2 smollm2-135m-instruct-q8_0.gguf",
    "olmo": "allenai/OLMo-2-1124-13B-Instruct olmo-3-32b-think",
    "granite": "ibm-granite/granite-3.3-8b-instruct granite3-dense:8b",
    "falcon": "falcon-40b-instruct tiiuae/Falcon3-10B-Instruct",
    "yi": "01-ai/Yi-34B-Chat yi-large yi-1.5-9b-chat",
    "minimax": "MiniMaxAI/MiniMax-M2 abab6.5s-chat",
    "eleuther": "pythia-12b EleutherAI/gpt-j-6b gpt-neox-20b databricks/dolly-v2-12b",
    "starcoder": "starchat-beta bigcode/starcoder2-15b",
    "tinyllama": "TinyLlama/TinyLlama-1.1B-Chat-v1.0",
    "openllama": "openlm-research/open_llama_7b",
}  # fmt: skip


@pytest.mark.parametrize(("name", "expected"), [(name, one) for one, names in NAMES.items() for name in names.split()])
def test_names(name: str, expected: str) -> None:
    assert family(name) == expected


@pytest.mark.parametrize(
    "name",
    ["", None, "acme-7b", "my-finetune", "deployment-3", "human", "delphi", "marconova", "llamafile",
     "ollama/acme", "checkpoint-step-1000", "run-seed-1", "bert-base-uncased", "ring-the-bell"],
)  # fmt: skip
def test_unknown_is_said(name: str | None) -> None:
    assert family(name) is None


def test_an_organisation_tells_where_the_name_does_not() -> None:
    assert family("anthropic/opus") == "claude"
    assert family("my-org/opus") is None


def test_a_distilled_model_is_of_both_families() -> None:
    assert families("deepseek-r1-distill-llama-8b") == {"llama", "deepseek"}
    assert same_family("deepseek-r1-distill-llama-8b", "llama-3.3-70b")
    assert same_family("deepseek-r1-distill-llama-8b", "deepseek-chat")
    assert same_family("deepseek-r1-distill-llama-8b", "deepseek-r1-distill-qwen-7b")
    assert same_family("deepseek-r1-distill-llama-8b", "qwen-max") is False


def test_names_and_families_are_compared_alike() -> None:
    assert same_family(family("gpt-4o"), "ft:gpt-4o:acme::1")
    assert same_family("claude", "anthropic/claude-haiku-4.5")
    assert same_family("claude", "gpt") is False
    assert same_family("acme", "ACME")
    assert same_family("acme", "gpt-4o") is None
    assert same_family(None, "gpt-4o") is None
