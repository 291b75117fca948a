"""A C++ program that uses an exported ONNX file, without hepad and without Python."""

import math
from collections.abc import Mapping
from string import Template
from typing import Any, Final

_PROGRAM: Final = Template("""// Scores by $file: needs ONNX Runtime, its headers and library, nothing else.
//
$inputs
//
//     g++ -O2 -std=c++17 -I ONNXRUNTIME/include $source -L ONNXRUNTIME/lib -lonnxruntime -o scorer
//     ./scorer $file < entries.txt
//
// One entry a line, all of its inputs in this order, masks as 0 and 1. Printed is the score, and 0 or 1 for each
// threshold.

#include <onnxruntime_cxx_api.h>

#include <cstdint>
#include <cstdio>
#include <iostream>
#include <memory>
#include <vector>

int main(int argc, char** argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: %s $file < entries.txt\\n", argv[0]);
        return 2;
    }
    // Of each input: its name, the shape of an entry, and whether it is a mask.
    const std::vector<const char*> names = {$names};
    const std::vector<std::vector<int64_t>> shapes = {$shapes};
    const std::vector<size_t> sizes = {$sizes};
    const std::vector<bool> is_mask = {$masks};
    const std::vector<const char*> outputs = {$outputs};

    std::vector<std::vector<float>> given(names.size());
    int64_t n = 0;
    for (double value; std::cin >> value; ++n) {
        for (size_t i = 0; i < names.size(); ++i) {
            for (size_t j = 0; j < sizes[i]; ++j) {
                if (i + j > 0 && !(std::cin >> value)) {
                    std::fprintf(stderr, "entry %lld ends too early\\n", static_cast<long long>(n));
                    return 2;
                }
                given[i].push_back(static_cast<float>(value));
            }
        }
    }

    Ort::Env environment(ORT_LOGGING_LEVEL_ERROR, "scorer");
    Ort::Session session(environment, argv[1], Ort::SessionOptions());
    const auto memory = Ort::MemoryInfo::CreateCpu(OrtArenaAllocator, OrtMemTypeDefault);
    std::vector<Ort::Value> tensors;
    std::vector<std::unique_ptr<bool[]>> masks;
    for (size_t i = 0; i < names.size(); ++i) {
        std::vector<int64_t> shape = {n};
        shape.insert(shape.end(), shapes[i].begin(), shapes[i].end());
        auto& values = given[i];
        if (is_mask[i]) {
            masks.emplace_back(new bool[values.size()]);
            for (size_t j = 0; j < values.size(); ++j) masks.back()[j] = values[j] != 0;
            tensors.push_back(Ort::Value::CreateTensor<bool>(memory, masks.back().get(), values.size(), shape.data(),
                                                             shape.size()));
        } else {
            tensors.push_back(Ort::Value::CreateTensor<float>(memory, values.data(), values.size(), shape.data(),
                                                              shape.size()));
        }
    }
    auto found = session.Run(Ort::RunOptions(), names.data(), tensors.data(), names.size(), outputs.data(),
                             outputs.size());
    for (int64_t row = 0; row < n; ++row) {
        std::printf("%.9g", found[0].GetTensorData<float>()[row]);
        for (size_t k = 1; k < outputs.size(); ++k) std::printf(" %d", found[k].GetTensorData<bool>()[row] ? 1 : 0);
        std::printf("\\n");
    }
    return 0;
}
""")


def cpp_snippet(file: str, source: str, facts: Mapping[str, Any]) -> str:
    """Return a C++ program that scores entries from its standard input by an exported ONNX file.

    Args:
        file: the file's name.
        source: the program's name.
        facts: `describe` of the export.
    """
    inputs = facts["inputs"]
    shapes = [each["shape"][1:] for each in inputs]
    return _PROGRAM.substitute(
        file=file,
        source=source,
        inputs="\n".join(f"// {each['name']}: {_told(each)}" for each in inputs),
        names=", ".join(f'"{each["name"]}"' for each in inputs),
        shapes=", ".join("{" + ", ".join(map(str, shape)) + "}" for shape in shapes),
        sizes=", ".join(str(math.prod(shape)) for shape in shapes),
        masks=", ".join("true" if each["type"] == "bool" else "false" for each in inputs),
        outputs=", ".join(f'"{each["name"]}"' for each in facts["outputs"]),
    )


def _told(given: Mapping[str, Any]) -> str:
    """Return shape, units and features of an input, as one line of a comment."""
    features = f": {', '.join(given['features'])}" if "features" in given else ""
    return f"{' × '.join(map(str, given['shape'][1:]))} numbers, {given['units']}{features}"
