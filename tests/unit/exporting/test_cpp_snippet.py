"""The C++ program beside an ONNX file names what the file takes and gives."""

import shutil
import subprocess

from hepad.exporting.cpp_snippet import cpp_snippet

FACTS = {
    "inputs": [
        {"name": "x", "type": "float32", "shape": ["batch", 8, 2], "units": "raw", "features": ["pt", "eta"]},
        {"name": "mask", "type": "bool", "shape": ["batch", 8], "units": "true for real objects"},
        {"name": "context", "type": "float32", "shape": ["batch", 1], "units": "raw", "features": ["m_jj"]},
    ],
    "outputs": [{"name": "score"}, {"name": "accepted_1kHz"}],
}


def test_inputs_and_outputs_stand_in_the_program() -> None:
    text = cpp_snippet("scorer.onnx", "scorer_onnx.cpp", FACTS)
    assert 'names = {"x", "mask", "context"};' in text
    assert "shapes = {{8, 2}, {8}, {1}};" in text
    assert "sizes = {16, 8, 1};" in text
    assert "is_mask = {false, true, false};" in text
    assert 'outputs = {"score", "accepted_1kHz"};' in text
    assert "// x: 8 × 2 numbers, raw: pt, eta" in text
    assert "$" not in text
    assert text.count("{") == text.count("}")


def test_the_program_follows_the_grammar_of_cpp(tmp_path) -> None:
    """All of it but ONNX Runtime, whose headers pip does not have: its names stand in as templates."""
    text = cpp_snippet("scorer.onnx", "scorer_onnx.cpp", FACTS)
    stand_in = """
    #include <cstddef>
    #include <cstdint>
    #include <vector>
    enum { ORT_LOGGING_LEVEL_ERROR, OrtArenaAllocator, OrtMemTypeDefault };
    namespace Ort {
    struct Env { Env(int, const char*) {} };
    struct SessionOptions {};
    struct RunOptions {};
    struct MemoryInfo { static MemoryInfo CreateCpu(int, int) { return {}; } };
    struct Value {
        float score = 0;
        template <class T>
        static Value CreateTensor(const MemoryInfo&, T* given, size_t n, const int64_t* shape, size_t) {
            Value found;
            for (size_t i = 0; i < n; ++i) found.score += given[i];
            return shape[0] > 0 ? found : Value();
        }
        template <class T> const T* GetTensorData() const { static T kept; kept = static_cast<T>(score); return &kept; }
    };
    struct Session {
        Session(Env&, const char*, const SessionOptions&) {}
        std::vector<Value> Run(
            const RunOptions&, const char* const*, const Value* in, size_t n, const char* const*, size_t m) {
            std::vector<Value> found(m);
            for (size_t i = 0; i < n; ++i) found[0].score += (i + 1) * in[i].score;
            return found;
        }
    };
    }"""
    (tmp_path / "onnxruntime_cxx_api.h").write_text(stand_in)
    (tmp_path / "scorer.cpp").write_text(text)
    compiler = shutil.which("g++")
    assert compiler is not None
    words = [compiler, "-std=c++17", "-Wall", "-Werror", "-I.", "scorer.cpp", "-o", "scorer"]
    subprocess.run(words, cwd=tmp_path, check=True)
    line = " ".join(["0.5"] * 16 + ["1"] * 3 + ["0"] * 5 + ["7"])
    ask = {"cwd": tmp_path, "capture_output": True, "text": True}
    done = subprocess.run(["./scorer", "scorer.onnx"], input=line, check=True, **ask)
    # 8 of x, twice 3 of the mask, three times 7 of the context.
    assert done.stdout.split() == ["35", "0"]
    short = subprocess.run(["./scorer", "m"], input="1 2 3", check=False, **ask)
    assert (short.returncode, short.stderr) == (2, "entry 0 ends too early\n")
