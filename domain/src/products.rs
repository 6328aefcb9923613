//! Sets of products.

use crate::{Method, Product};

/// Set of products, for instance of those that a merchant has signed with the gateways.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Products([bool; Product::ALL.len()]);

impl Products {
    pub fn of(products: &[Product]) -> Products {
        Products(Product::ALL.map(|product| products.contains(&product)))
    }

    /// Every product of every method.
    pub const fn all() -> Products {
        Products([true; Product::ALL.len()])
    }

    pub fn contains(self, product: Product) -> bool {
        self.iter().any(|member| member == product)
    }

    #[must_use]
    pub fn without(self, product: Product) -> Products {
        let left: Vec<Product> = self.iter().filter(|member| *member != product).collect();
        Products::of(&left)
    }

    #[must_use]
    pub fn union(self, other: Products) -> Products {
        let both: Vec<Product> = self.iter().chain(other.iter()).collect();
        Products::of(&both)
    }

    /// Products in the set, in the order of [`Product::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Product> {
        let members = Product::ALL.into_iter().zip(self.0);
        members.filter_map(|(product, is_member)| is_member.then_some(product))
    }

    /// Products of one method in the set.
    pub fn of_method(self, method: Method) -> impl Iterator<Item = Product> {
        self.iter().filter(move |product| product.method() == method)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in() {
        let set = Products::of(&[Product::Qr, Product::Native]);
        assert!(set.contains(Product::Native) && set.contains(Product::Qr));
        assert!(!set.contains(Product::H5));
        assert_eq!(
            set.of_method(Method::Wechat).collect::<Vec<_>>(),
            [Product::Native]
        );
        assert_eq!(set.without(Product::Qr), Products::of(&[Product::Native]));
        assert_eq!(set.without(Product::Qr).union(Products::of(&[Product::Qr])), set);
        assert_eq!(Products::all().iter().count(), Product::ALL.len());
        assert_eq!(Products::default().iter().count(), 0);
    }
}
