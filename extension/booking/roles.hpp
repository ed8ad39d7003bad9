// Whose holds and idempotency keys are: the role that is current when a booking function is called.
#pragma once

#include "extension/tracking/settings.hpp"

namespace availability {

// The current role, as a value of type name.
SqlParameter role_parameter();

// Gives the companions of a table that was tracked under 0.2 their columns of roles, as the companions' owners. What
// they keep stays: those holds and keys are nobody's in particular, of the empty name.
void require_roles_in_companions(const TrackedRow& row);

} // namespace availability
