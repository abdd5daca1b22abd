# The short way in. CMake does the work (CMakeLists.txt, CMakePresets.json); tools/ holds the steps.

PREFIX ?= /usr/local
DATA ?= fashion-mnist
BUILD = build/release

all: build

help:
	@echo 'make            build the library and the program in $(BUILD)'
	@echo 'make run        train NiN on Fashion-MNIST: sets up, builds, trains, draws (DATA=$(DATA))'
	@echo 'make test       build with warnings as errors and run all tests'
	@echo 'make lint       formatting, clang-tidy and the rules of this code (ALL=1: all files)'
	@echo 'make bench      measure speed beside PyTorch (BENCH="--rows nin": options of bench/run.py)'
	@echo 'make install    install into PREFIX=$(PREFIX); DESTDIR works'
	@echo 'make clean      remove build/'
	@echo
	@echo 'Each of them installs the packages it lacks (tools/packages.txt) where apt-get is.'

build:
	@tools/setup build
	@tools/build release -DNIN_TESTS=OFF

run:
	@tools/setup build data
	@tools/build release -DNIN_TESTS=OFF
	@tools/run --data $(DATA)

test:
	@tools/setup build data test
	@tools/test-python
	@tools/build release -DNIN_TESTS=ON -DNIN_WERROR=ON
	@tools/test release

lint:
	@tools/setup build test lint
	@tools/lint $(if $(ALL),--all)

bench: build
	@tools/setup bench
	@tools/bench $(BENCH)

install: build
	@cmake --install $(BUILD) --prefix $(PREFIX)

clean:
	rm -rf build

.PHONY: all help build run test lint bench install clean
