//! The API reference as `/docs` shows it: calls by subject, and the objects that they take and give.

/// Read from the OpenAPI document by the server, once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reference {
    pub description: String,
    pub server: String,
    pub groups: Vec<Group>,
    pub objects: Vec<Object>,
}

/// Calls about one subject.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Group {
    pub name: String,
    pub description: String,
    pub calls: Vec<Call>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Call {
    pub id: String,
    pub method: String,
    pub path: String,
    pub summary: String,
    pub description: String,
    pub parameters: Vec<Member>,
    pub body: Option<Kind>,
    pub answers: Vec<Answer>,
}

/// A parameter of a call, or a member of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Member {
    pub name: String,
    pub is_required: bool,
    pub kind: Kind,
    /// Bounds of the value: `1 to 64 characters`.
    pub bounds: String,
    pub description: String,
}

/// Type of a value: `string`, `integer or null`, or an object with its name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kind {
    pub before: &'static str,
    /// Name of the object, which is described further down.
    pub object: Option<String>,
    pub after: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Answer {
    pub status: String,
    pub description: String,
    pub kind: Option<Kind>,
}

/// An object with its members, or an enum with its words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Object {
    pub name: String,
    pub description: String,
    pub words: Vec<String>,
    pub members: Vec<Member>,
}
