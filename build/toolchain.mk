# Compiler, flags and BearSSL.
#
#   CC=...           another compiler for the release build; it must target musl (on a
#                    musl system plain cc is found by itself)
#   BEARSSL=source   (default) Debian's source package, compiled here; =system links the
#                    archive of libbearssl-dev.  When the source cannot be had, the build
#                    says so in one line and takes the archive.
#   BEARSSL_SRC=DIR  an unpacked BearSSL source tree instead
#   PIE=1 LTO=0      position independence, a quick link: see below for what they cost
#   PACK=0           the program as the linker made it, not packed into a smaller file
#   HOSTCC=...       what compiles the tool that packs (the machine's own compiler)

BEARSSL ?= source
PIE     ?= 0
LTO     ?= 1
HOSTCC  ?= cc
AR      ?= ar
STRIP   ?= strip

WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror
BASE_CFLAGS := -std=c11 -D_GNU_SOURCE -Ilibmail -I$(OUT)/bearssl/inc $(WARN) -g \
               -ffile-prefix-map=$(CURDIR)=.

# Whoever makes something gets its memory in huge pages, if the libc is glibc: a page fault less for
# each 4 KiB makes the analyzer a fifth quicker, and the compiler a tenth.
$(OUT)/%: export GLIBC_TUNABLES ?= glibc.malloc.hugetlb=1:glibc.malloc.top_pad=67108864

# What is not there yet is installed by this, or it says what to install.
TOOLS := $(OUT)/tools

ifeq ($(VARIANT),release)

ifeq ($(origin CC),default)
CC := $(if $(findstring musl,$(shell cc -dumpmachine 2>/dev/null)),cc,musl-gcc)
endif
# On a bare machine the compiler is installed only after this was read; it will be for the
# machine that asks, as is the one that is there.
MACHINE := $(or $(shell $(CC) -dumpmachine 2>/dev/null),$(shell uname -m))

# Measured on the whole program without POP3 and the cf engine, stripped, in octets:
#   350280  -Os, static-pie        337424  at a fixed address (stacks, heaps and mappings of
#   the roles stay random); PIE=1 has it back
#   334600  -Oz instead of -Os     326400  without padding between code and constants, which
#   are then in one segment
#   322400  BearSSL without stack protector: it has no array whose length a peer chooses
# and on twice as much:
#   546576  the above              522000  compiled as one program (LTO=1)
# Code of ours, in percent: calls stay calls 1.1, no vector registers 0.9, the others that
# are switched off here 1; the stack protector is 7 of it.
HARDEN := -fno-asynchronous-unwind-tables -fno-unwind-tables
PROTECT := -fstack-protector-strong
SMALL = -Oz -fno-ident -ffunction-sections -fdata-sections -fno-optimize-sibling-calls \
         -fno-caller-saves -fno-move-loop-invariants -fno-tree-dominator-opts \
         -fno-inline-small-functions -fno-tree-pre -fno-code-hoisting \
         -fno-if-conversion -fno-if-conversion2 $(REGULAR)
# The one file that counts lines by the vector does without the last of these.
SMALL += $(if $(findstring x86_64,$(MACHINE)),-fno-jump-tables $(SCALAR))
SCALAR = -mgeneral-regs-only
# As the statement says it, so that what is done twice looks the same twice: not an octet
# smaller by itself, but 3 percent when packed.
REGULAR = -fno-schedule-insns2 -fno-shrink-wrap
LINK_HARDEN := -Wl,-z,relro,-z,now,-z,noexecstack,-z,noseparate-code -Wl,--build-id=none
# Debian's musl-gcc does not know -static-pie, hence the start files by hand.
ifeq ($(PIE),1)
HARDEN += -fPIE
ifneq ($(findstring musl-gcc,$(CC)),)
RCRT      = $(firstword $(wildcard /usr/lib/*-linux-musl/rcrt1.o /usr/*/musl/lib/rcrt1.o))
CRT_BEGIN = $(RCRT) $(RCRT:rcrt1.o=crti.o) $(shell gcc -print-file-name=crtbeginS.o)
CRT_END   = -lc -lgcc $(shell gcc -print-file-name=crtendS.o) $(RCRT:rcrt1.o=crtn.o)
LINK_KIND = -static -nostartfiles -nodefaultlibs -Wl,-pie,--no-dynamic-linker,-z,text
else
LINK_KIND = -static-pie
endif
else
HARDEN += -fno-pie
LINK_KIND = -static -no-pie
endif

# Objects are fat (GCC only): machine code, with which test programs link in no time, and
# GCC's own form, from which the program is compiled as one.
LTO_COMPILE = -flto=1 -ffat-lto-objects -frandom-seed=$@
LTO_LINK    = $(if $(filter 1,$(LTO)),-flto=1 -flto-partition=one,-fno-lto)

# The file is a starter (start/unpack.c) with the program in it, packed: less than half as large,
# some three milliseconds of unpacking for each start.  The starter lies above the program, so that the
# heap, which begins behind what the kernel loaded, is in nobody's way.
PACK ?= $(if $(filter 0,$(PIE)),$(if $(findstring x86_64,$(MACHINE)),1,0),0)
START_FLAGS = -std=c11 -D_GNU_SOURCE $(WARN) -I. -Os -ffreestanding -nostdlib -static -no-pie -fno-pie \
             -fno-stack-protector -fno-asynchronous-unwind-tables -fno-ident -fno-lto -ffunction-sections \
             -Wl,-z,noexecstack,-z,noseparate-code,--build-id=none,--gc-sections,-Ttext-segment=0x2000000

CFLAGS_ALL  = $(BASE_CFLAGS) $(SMALL) $(HARDEN) $(PROTECT) $(CFLAGS)
LDFLAGS_ALL = $(LINK_KIND) -Wl,--gc-sections,--sort-section=alignment $(LINK_HARDEN) $(LDFLAGS)
LDLIBS     :=
$(OBJ)/libmail/service/mailbox_hash.o: SCALAR =

# Debian compiles musl for speed and for shared objects; the largest functions that we use,
# compiled for size at a fixed address, make the program 28 KB smaller (the file 11 KB).
ifneq ($(findstring musl-gcc,$(CC)),)
RUNTIME    := $(OUT)/musl/libmusl.a
# Whole, or a function that only libc.a itself calls would come from there.
MUSL_WHOLE  = -Wl,--whole-archive $(RUNTIME) -Wl,--no-whole-archive
MUSL_FLAGS  = -Oz -fno-ident -fno-optimize-sibling-calls -fno-caller-saves $(REGULAR) $(HARDEN)
endif

else ifeq ($(VARIANT),san)

# Static musl cannot carry AddressSanitizer, so this one is built for the host's libc.  The tests
# start it thousands of times: without relocations and with one runtime, whose five megabytes are
# read for pointers at each exit, a start and an end take half as long.
CC := gcc
CFLAGS_ALL  = $(BASE_CFLAGS) -g1 -O1 -fno-pie -fno-omit-frame-pointer -fsanitize=address,undefined \
              -fno-sanitize-recover=undefined $(CFLAGS)
LDFLAGS_ALL = -no-pie -fsanitize=address,undefined -static-libasan -static-libubsan \
              -B$(dir $(RUNTIME)) $(LDFLAGS)
LDLIBS     := -lcrypt -pthread
# What gcc links first, to start the runtime, it takes from here, wherever the objects are: the
# folder's name is one of the flags.
RUNTIME    := $(OUT)/obj/san/build/libasan_preinit.o
$(RUNTIME): build/libasan_preinit.c build/toolchain.mk
	@mkdir -p $(@D)
	$(Q)$(CC) -std=c11 -D_GNU_SOURCE $(WARN) -O1 -fno-pie -c -o $@ $<

else ifeq ($(VARIANT),fuzz)

CC := clang
CFLAGS_ALL  = $(BASE_CFLAGS) -O1 -fno-omit-frame-pointer \
              -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined $(CFLAGS)
LDFLAGS_ALL = -fsanitize=address,undefined $(LDFLAGS)
LDLIBS     := -lcrypt -pthread

else
$(error VARIANT is release, san or fuzz, not $(VARIANT))
endif

BEARSSL_STAMP := $(OUT)/bearssl/stamp
BEARSSL_LIB   := $(OUT)/bearssl/$(VARIANT)/libbearssl.a
BEARSSL_FLAGS  = $(if $(filter release,$(VARIANT)),-fno-ident $(REGULAR) $(HARDEN),-g)

$(TOOLS): build/setup.sh
	@mkdir -p $(@D)
	@sh build/setup.sh build '$(CC)'
	@touch $@

$(OUT)/bearssl/choice: FORCE
	@mkdir -p $(@D)
	@echo '$(BEARSSL) $(BEARSSL_SRC)' | cmp -s - $@ || echo '$(BEARSSL) $(BEARSSL_SRC)' >$@

$(BEARSSL_STAMP): build/bearssl.sh build/source.sh $(OUT)/bearssl/choice | $(TOOLS)
	@BEARSSL='$(BEARSSL)' BEARSSL_SRC='$(BEARSSL_SRC)' sh build/bearssl.sh get $(OUT)/bearssl

$(OUT)/bearssl/$(VARIANT)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(CC) $(BEARSSL_FLAGS)' | cmp -s - $@ || echo '$(CC) $(BEARSSL_FLAGS)' >$@

$(BEARSSL_LIB): build/bearssl.files $(BEARSSL_STAMP) $(OUT)/bearssl/$(VARIANT)/flags
	@CC='$(CC)' AR='$(AR)' FLAGS='$(BEARSSL_FLAGS)' sh build/bearssl.sh lib $(OUT)/bearssl $(VARIANT)

$(OUT)/musl/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(MUSL_FLAGS)' | cmp -s - $@ || echo '$(MUSL_FLAGS)' >$@

$(OUT)/musl/libmusl.a: build/musl.sh build/wctype.c build/source.sh $(OUT)/musl/flags | $(TOOLS)
	@AR='$(AR)' FLAGS='$(MUSL_FLAGS)' sh build/musl.sh $(OUT)/musl
