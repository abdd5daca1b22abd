"""Times OpenVINO in float32, tuned for latency or throughput by batch: MODEL infer BATCH THREADS SECONDS"""

import sys

import numpy
import openvino

from timing import Work, exported, report


def main():
    work = Work(sys.argv[1:])
    core = openvino.Core()
    compiled = core.compile_model(exported(work), "CPU", {
        "INFERENCE_NUM_THREADS": work.threads, "NUM_STREAMS": 1,
        "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"})
    shape = list(compiled.input(0).shape)
    images = numpy.random.default_rng(0).random(shape, dtype=numpy.float32)
    request = compiled.create_infer_request()
    report(work, lambda: request.infer({"image": images}),
           "OpenVINO " + openvino.__version__.split("-")[0])


if __name__ == "__main__":
    main()
