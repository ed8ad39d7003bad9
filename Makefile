# availability: a PostgreSQL extension and a logical decoding output plugin.
#
#   make demo    installs what is missing, builds, and shows the whole job on a private server
#   make check   the same to the last test of every suite
#   make relay   installs what it needs and builds the relay: relay/build/availability-relay
#   make         builds both libraries;  make install  puts them into the server of PG_CONFIG

ifneq ($(filter demo check relay,$(MAKECMDGOALS)),)

# None needs anything but make and git: the scripts install the rest, pg_config included.
.PHONY: demo check relay
# A relative CALENDAR is meant from where make was called, with -C too.
export CALLER_PWD := $(PWD)
demo check relay:
	@bash test/run/$@.sh

else

EXTENSION = availability
EXTVERSION = $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" availability.control)

MODULE_big = availability
OBJS = $(patsubst %.cpp,%.o,$(sort $(wildcard extension/*.cpp) $(wildcard extension/core/*.cpp)))
DECODER_OBJS = $(patsubst %.cpp,%.o,$(sort $(wildcard decoder/*.cpp)))
# The decoder reads calendars in place: it needs the reading half of the core, and no Roaring library.
DECODER_CORE_OBJS = $(addprefix extension/core/,day.o dayset_validate.o dayset_view.o)

DATA = $(wildcard extension/upgrades/availability--*.sql)
DATA_built = availability--$(EXTVERSION).sql availability--0.1--0.2.sql
EXTRA_CLEAN = availability--*.sql availability_decoder.so $(DECODER_OBJS) $(DECODER_OBJS:.o=.bc) \
	$(wildcard extension/*.d extension/core/*.d decoder/*.d)

REGRESS = $(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql)))
ISOLATION = $(patsubst specs/%.spec,%,$(sort $(wildcard specs/*.spec)))
ISOLATION_OPTS = --load-extension=availability
TAP_TESTS = 1

PG_CONFIG ?= pg_config
WARNINGS = -Wall -Wextra $(if $(WERROR),-Werror) -Wno-register -Wno-missing-field-initializers
# PGXS passes gcc's own warning options to every compiler.
WARNINGS += $(if $(findstring clang,$(CXX)),-Wno-unknown-warning-option)
# -isystem: the server's own headers are not ours to warn about.
PG_CPPFLAGS = -I$(srcdir) -isystem $(shell $(PG_CONFIG) --includedir-server)
PG_CXXFLAGS = -std=c++17 -fvisibility=hidden -MMD $(WARNINGS)
SHLIB_LINK += -lroaring -lstdc++ -Wl,-Bsymbolic

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

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

# What is new in 0.2 is taken from there, so that an upgraded extension can't differ from a new one.
availability--0.1--0.2.sql: extension/upgrades/0.1--0.2.sql extension/sql/65_booking.sql extension/sql/80_doctor.sql
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
