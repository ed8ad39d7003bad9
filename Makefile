# availability: a PostgreSQL extension and a logical decoding output plugin.
#
#   make demo    installs what is missing, builds, and shows the whole job on a private server
#   make check   the same to the last test of every suite
#   make relay   installs what it needs and builds the relay: relay/build/availability-relay
#   make service installs what it needs and builds the service: service/build/availability-service
#   make check-clients    the drivers, ORMs and poolers of docs/clients.md against it, brought from their registries
#   make         builds both libraries;  make install  puts them into the server of PG_CONFIG
#
#   make deb     Debian packages for each installed server;  make dist  the archive for PGXN
#   make release VERSION=0.4    freezes the upgrade script of this version and begins the next

scripts = demo check check-clients relay service deb dist release
ifneq ($(filter $(scripts),$(MAKECMDGOALS)),)

# None needs anything but make and git: the scripts install the rest, pg_config included.
.PHONY: $(scripts)
# A relative CALENDAR is meant from where make was called, with -C too.
export CALLER_PWD := $(PWD)
export VERSION
export PAGE_SECONDS
$(scripts):
	@bash test/run/$(@:check-%=%).sh

else

EXTENSION = availability
EXTVERSION = $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" availability.control)

MODULE_big = availability
OBJS = $(patsubst %.cpp,%.o,$(sort $(wildcard extension/*.cpp extension/*/*.cpp)))
DECODER_OBJS = $(patsubst %.cpp,%.o,$(sort $(wildcard decoder/*.cpp)))
# The decoder reads calendars in place: it needs the reading half of the core, and no Roaring library.
DECODER_CORE_OBJS = $(addprefix extension/core/,day.o dayset_validate.o dayset_view.o)

DATA = $(wildcard extension/upgrades/availability--*.sql)
DATA_built = availability--$(EXTVERSION).sql
EXTRA_CLEAN = availability--*.sql availability_decoder.so $(DECODER_OBJS) $(DECODER_OBJS:.o=.bc) \
	$(wildcard extension/*.d extension/*/*.d decoder/*.d extension/*/*.gch)

REGRESS = $(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql)))
ISOLATION = $(patsubst specs/%.spec,%,$(sort $(wildcard specs/*.spec)))
ISOLATION_OPTS = --load-extension=availability
TAP_TESTS = 1

PG_CONFIG ?= pg_config
# Without this, a missing or foreign pg_config is an empty path, and its lack shows only when headers are not found.
PGXS := $(shell bash '$(dir $(lastword $(MAKEFILE_LIST)))test/run/pgxs.sh' '$(PG_CONFIG)')
ifneq ($(words $(PGXS)),1)
$(error $(PGXS))
endif
WARNINGS = -Wall -Wextra $(if $(WERROR),-Werror) -Wno-register -Wno-missing-field-initializers
# PGXS passes gcc's own warning options to every compiler.
WARNINGS += $(if $(findstring clang,$(CXX)),-Wno-unknown-warning-option)
# -isystem: the server's own headers are not ours to warn about.
PG_CPPFLAGS = -I$(srcdir) -isystem $(shell $(PG_CONFIG) --includedir-server)
PG_CXXFLAGS = -std=c++17 -fvisibility=hidden -MMD -MP $(WARNINGS)
SHLIB_LINK += -lroaring -lstdc++ -Wl,-Bsymbolic

include $(PGXS)

# What nearly every file includes, compiled once, and less polished: make demo builds so, in 16 s of processor time instead of
# 43. Only for a tree that is built once: dependencies know nothing of it.
ifdef PRECOMPILE
override CXXFLAGS += -g0 -O1
precompiled = extension/dayset/type.hpp
precompiled_for = $(filter-out extension/core/%,$(OBJS))
$(precompiled_for): private override CXXFLAGS += -include $(precompiled)
$(precompiled_for): $(precompiled).gch
$(precompiled).gch: $(precompiled)
	$(CXX) $(CXXFLAGS) $(CPPFLAGS) -w -x c++-header -o $@ $<
endif

# PGXS's bitcode step ignores PG_CXXFLAGS.
BITCODE_CXXFLAGS += -std=c++17 $(WARNINGS)

# Compiled, so that it stays compilable, but not installed: the server's JIT inliner aborts on C++ bitcode
# (it takes a constructor's alias for a function), and that restarts the whole cluster.
install_llvm_module =

all: availability_decoder.so

availability_decoder.so: $(DECODER_OBJS) $(DECODER_CORE_OBJS)
	$(CXX) $(CXXFLAGS) $^ -shared -o $@ $(LDFLAGS) $(LDFLAGS_SL) -Wl,-Bsymbolic

# The install script is its fragments, in the order of the API.
availability--$(EXTVERSION).sql: $(sort $(wildcard extension/sql/*.sql))
	cat $^ > $@

install: install-decoder
install-decoder: availability_decoder.so
	$(MKDIR_P) '$(DESTDIR)$(pkglibdir)'
	$(INSTALL_SHLIB) $< '$(DESTDIR)$(pkglibdir)/'

uninstall: uninstall-decoder
uninstall-decoder:
	rm -f '$(DESTDIR)$(pkglibdir)/availability_decoder.so'

.PHONY: install-decoder uninstall-decoder

-include $(OBJS:.o=.d) $(DECODER_OBJS:.o=.d)

endif
