"""Times ONNX Runtime, all optimisations on: MODEL infer BATCH THREADS SECONDS"""

import sys

import numpy
import onnxruntime

from timing import Work, exported, report


def main():
    work = Work(sys.argv[1:])
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = work.threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    session = onnxruntime.InferenceSession(exported(work), options,
                                           providers=["CPUExecutionProvider"])
    shape = session.get_inputs()[0].shape
    images = numpy.random.default_rng(0).random(shape, dtype=numpy.float32)
    report(work, lambda: session.run(None, {"image": images}),
           "ONNX Runtime " + onnxruntime.__version__)


if __name__ == "__main__":
    main()
