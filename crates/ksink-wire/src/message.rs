//! The table that every message is written as.

/// Writes down a structure as Kafka's own schema does: its fields in wire order, and the versions that
/// carry them. The struct, its default, `decode`, `encode` and the schema as data all come from the
/// one table, so they cannot disagree.
///
/// A row is `name: Type`, with these parts where they are needed, in this order:
///
/// - `#0` before the name: a tagged field with this number. Tagged fields come last, in ascending order.
/// - `= -1`: the value where a version lacks the field (otherwise 0, false, empty, null).
/// - `=> 3..`: the versions that carry it (otherwise all). A structure inside of another one leaves out
///   what the outer field says already.
/// - `; nullable 1..`: of an `Option`, the versions in which it may be null (otherwise all).
macro_rules! message {
    (
        $(#[$doc:meta])*
        pub struct $name:ident $(<$lt:lifetime>)? {
            $(
                $(#[$field_doc:meta])*
                $(# $tag:literal)? $field:ident: $ty:ty
                    $(= $default:expr)? $(=> $versions:expr)? $(; nullable $nullable:expr)?,
            )*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name $(<$lt>)? {
            $(
                $(#[$field_doc])*
                #[doc = concat!("\n\n", $("Tagged ", $tag, ". ",)? $("In versions `", stringify!($versions), "`. ",)?
                    $("May be null in `", stringify!($nullable), "`. ",)? $("Default `", stringify!($default), "`.",)?)]
                pub $field: $ty,
            )*
        }

        impl $(<$lt>)? Default for $name $(<$lt>)? {
            fn default() -> Self {
                Self { $($field: message!(@absent $($default)?),)* }
            }
        }

        impl<'a> $crate::primitives::Wire<'a> for message!(@type $name $($lt)?) {
            fn decode(
                input: &'a [u8],
                version: $crate::primitives::Version,
            ) -> $crate::primitives::Parsed<'a, Self> {
                $(message!(@decode [$($tag)?] input version $field
                    [$($default)?] [$($versions)?] [$($nullable)?]);)*
                let mut tags = $crate::tags::Tags::open(input, version)?;
                $(message!(@take [$($tag)?] tags version $field [$($default)?] [$($versions)?]);)*
                let (input, ()) = tags.close()?;
                Ok((input, Self { $($field,)* }))
            }

            fn encode(&self, out: &mut Vec<u8>, version: $crate::primitives::Version) {
                $(message!(@encode [$($tag)?] self out version $field [$($versions)?] [$($nullable)?]);)*
                let tags = $crate::tags::NewTags::new(version);
                $(message!(@put [$($tag)?] self tags version $field [$($default)?] [$($versions)?]);)*
                tags.append_to(out);
            }
        }

        impl $(<$lt>)? $crate::schema::Describe for $name $(<$lt>)? {
            fn kind() -> $crate::schema::Kind {
                $crate::schema::Kind::Struct($crate::schema::Schema {
                    name: stringify!($name),
                    fields: vec![$($crate::schema::Field {
                        name: stringify!($field),
                        kind: <$ty as $crate::schema::Describe>::kind(),
                        versions: message!(@versions $($versions)?),
                        nullable: message!(@versions $($nullable)?),
                        tag: message!(@option $($tag)?),
                        default: message!(@option $(stringify!($default))?),
                    },)*],
                })
            }
        }
    };

    (@type $name:ident) => { $name };
    (@type $name:ident $lt:lifetime) => { $name<$lt> };

    (@absent) => { Default::default() };
    (@absent $default:expr) => { $default };

    (@in $version:ident []) => { true };
    (@in $version:ident [$versions:expr]) => { ($versions).contains(&$version.number) };

    // An untagged field is read and written in its place; a tagged one (below) after all others.
    (@decode [] $input:ident $version:ident $field:ident [$($default:expr)?] $versions:tt $nullable:tt) => {
        let ($input, $field) = match message!(@in $version $versions) {
            true => message!(@value $input $version $nullable)
                .map_err($crate::error::in_field(stringify!($field)))?,
            false => ($input, message!(@absent $($default)?)),
        };
    };
    (@decode [$tag:literal] $($row:tt)*) => {};

    (@value $input:ident $version:ident []) => { $crate::primitives::Wire::decode($input, $version) };
    (@value $input:ident $version:ident [$nullable:expr]) => {
        $crate::primitives::decode_maybe_null($input, $version, ($nullable).contains(&$version.number))
    };

    (@take [] $($row:tt)*) => {};
    (@take [$tag:literal] $tags:ident $version:ident $field:ident [$($default:expr)?] $versions:tt) => {
        let $field = match message!(@in $version $versions) {
            true => $tags.take($tag, $version).map_err($crate::error::in_field(stringify!($field)))?,
            false => None,
        };
        let $field = $field.unwrap_or_else(|| message!(@absent $($default)?));
    };

    (@encode [] $self:ident $out:ident $version:ident $field:ident $versions:tt []) => {
        if message!(@in $version $versions) {
            $crate::primitives::Wire::encode(&$self.$field, $out, $version);
        }
    };
    (@encode [] $self:ident $out:ident $version:ident $field:ident $versions:tt [$nullable:expr]) => {
        if message!(@in $version $versions) {
            let allowed = ($nullable).contains(&$version.number);
            $crate::primitives::encode_maybe_null(&$self.$field, $out, $version, allowed);
        }
    };
    (@encode [$tag:literal] $($row:tt)*) => {};

    (@put [] $($row:tt)*) => {};
    (@put [$tag:literal] $self:ident $tags:ident $version:ident $field:ident [$($default:expr)?] $versions:tt) => {
        let $tags = match message!(@in $version $versions) {
            true => $tags.with($tag, &$self.$field, &message!(@absent $($default)?)),
            false => $tags,
        };
    };

    (@versions) => { $crate::schema::Versions::ALL };
    (@versions $versions:expr) => { $crate::schema::Versions::from($versions) };

    (@option) => { None };
    (@option $value:expr) => { Some($value) };
}
