# The short way to what scripts/ and CMake do. Two commands for a newcomer: make demo, make test.
.PHONY: demo test bench torture check run format build install clean

DEPS_BUILD := scripts/deps build
RELEASE := build/release

build: ## the server, optimised
	@$(DEPS_BUILD)
	@test -f $(RELEASE)/build.ninja || cmake --preset release
	@cmake --build $(RELEASE) --target pintail tpchgen

PREFIX ?= /usr/local
install: build ## to PREFIX (/usr/local) under DESTDIR
	@DESTDIR=$(DESTDIR) cmake --install $(RELEASE) --prefix $(PREFIX)

demo: build ## load TPC-H and answer its 22 queries
	@scripts/demo

run: build ## a server in the foreground, data in ./pintail-data
	@$(RELEASE)/bin/pintail

test: ## install the test tools and run every test
	@scripts/test

check: ## format, layers, sizes, headers
	@scripts/deps test
	@scripts/check

bench: build ## measure, as ratios; BENCH=name for one
	@scripts/bench $(BENCH)

SECONDS ?= 3600
torture: build ## the copy under load and failures, SECONDS (3600) on each of four servers, half of it with their default settings
	@scripts/deps test
	@for server in mysql97 mariadb mariadb105 mariadb118; do for settings in "" --defaults; do \
	    tests/torture/run --bin $(RELEASE)/bin --server $$server --seconds $$(($(SECONDS) / 2)) --harsh $$settings || exit 1; \
	done; done

format:
	@git ls-files '*.c' '*.h' | xargs clang-format-19 -i

clean:
	rm -rf build/release build/debug build/asan build/tsan
