/*
 * What the analyzer cannot see in a prototype, put in front of every file by build/check.mk.
 *
 * The makers of errors return false.  Without knowing it the analyzer also follows every path
 * on which one returned true, where a caller then uses results that were never filled in.
 */
#include "base/err.h"

#define err_temp(...)  (err_temp(__VA_ARGS__), false)
#define err_perm(...)  (err_perm(__VA_ARGS__), false)
#define err_errno(...) (err_errno(__VA_ARGS__), false)
