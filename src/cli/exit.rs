//! How the process ends (DESIGN §5).

use std::process::ExitCode;

use crate::model::report::CycleOutcome;

/// What a verb that did what was asked tells the shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    Done,
    /// Something could not be read or reached.
    Partial,
    /// The config is wrong.
    Wrong,
    SomeFailed,
    Held,
}

impl Exit {
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Partial => 1,
            Self::Wrong => 2,
            Self::SomeFailed => 3,
            Self::Held => 4,
        }
    }
}

impl From<CycleOutcome> for Exit {
    fn from(outcome: CycleOutcome) -> Self {
        match outcome {
            CycleOutcome::Ok | CycleOutcome::Standby => Self::Done,
            CycleOutcome::Partial | CycleOutcome::Failed => Self::Partial,
            CycleOutcome::SomeFailed => Self::SomeFailed,
            CycleOutcome::Held => Self::Held,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_outcome_has_the_exit_code_of_the_design() {
        let codes = [
            (CycleOutcome::Ok, 0),
            (CycleOutcome::Standby, 0),
            (CycleOutcome::Partial, 1),
            (CycleOutcome::Failed, 1),
            (CycleOutcome::SomeFailed, 3),
            (CycleOutcome::Held, 4),
        ];
        for (outcome, code) in codes {
            assert_eq!(Exit::from(outcome).code(), code, "{outcome:?}");
        }
        assert_eq!(Exit::Wrong.code(), 2);
    }
}
